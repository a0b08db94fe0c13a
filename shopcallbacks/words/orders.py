"""Orders and their payments in words: how a try stands, what a booking did, and what a person's word would do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from ..domain.money import Figures, Life, OrderFacts
from ..domain.states import CancelledBy, Entry, OrderState
from ..domain.values import Money
from .formats import PLAIN, Format
from .outcomes import ORDER_STATES

CANCELLED_BY = {
    CancelledBy.failed_try: "cancelled by a refused payment",
    CancelledBy.expiry: "expired",
    CancelledBy.shop: "cancelled by the shop",
}


def standing(state: OrderState, cancelled_by: CancelledBy | None, part_paid: bool) -> str:
    """How an order stands, closer than its state where more is known."""
    if part_paid:
        return "part paid"
    return CANCELLED_BY[cancelled_by] if cancelled_by else ORDER_STATES[state]


# How a try stands: a colour, never without the words.
LIVES = {
    Life.unheard: ("yellow", "not told of yet"),
    Life.alive: ("azure", "under way"),
    Life.ended: ("", "ended without money"),
    Life.booked: ("green", "booked"),
    Life.taken_out: ("purple", "taken out of the books"),
}


def stands(life: Life, figures: Figures) -> tuple[str, str]:
    """A colour, and how the try stands; of one that is booked whether the order took it."""
    if life is Life.booked and not figures.taken:
        return "yellow", "booked, not taken by the order"
    return LIVES[life]


ENTRIES = {
    Entry.payment: "Payment",
    Entry.refund: "Refund",
    Entry.chargeback: "Chargeback",
    Entry.chargeback_reversal: "Chargeback reversed",
    Entry.refund_failure: "Refund failed",
    Entry.matching: "Matched with its payment",
    Entry.release: "Order given up",
    Entry.settlement: "Given back, a person says",
    Entry.withdrawal: "Taken out of the books",
    Entry.waiver: "The rest was waived",
}


@dataclass(frozen=True)
class OrderVerbWords:
    """What a person says of an order. `does`: what comes of it; `reason`: the label of its field; `done`: said then."""

    button: str
    asks: str
    does: str
    reason: str
    confirms: str
    done: str


VERBS = {
    "settle": OrderVerbWords(
        button="Given back",
        asks="Was it given back?",
        does="Nothing is sent to a gateway; when one tells of the refund later, it counts once.",
        reason="How it was given back",
        confirms="It was given back",
        done="What was owed of order {number} is given back.",
    ),
    "enough": OrderVerbWords(
        button="That is all",
        asks="Is that all?",
        does="The rest is waived, and the order goes on as paid.",
        reason="Why the rest is let go",
        confirms="Waive the rest",
        done="Order {number} is open: the rest is waived.",
    ),
    "end try": OrderVerbWords(
        button="End this try",
        asks="Has this try ended?",
        does="For a payment that will never end by itself. Nothing is sent to the gateway; if it is paid after all, it "
        "still counts.",
        reason="How you know that it has ended",
        confirms="End this try",
        done="The try is ended.",
    ),
}


def changes(before: OrderFacts, after: OrderFacts, written: Format = PLAIN) -> list[str]:
    """What is other after a step, a line each: "Owed back: 59.90 EUR → nothing"."""
    return list(_changes(before, after, written))


def _changes(before: OrderFacts, after: OrderFacts, written: Format) -> Iterator[str]:
    one, two = ORDER_STATES[before.state], ORDER_STATES[after.state]
    yield f"Order {before.number}: {_becomes(one, two) if one != two else f'stays {two}'}"
    for name, was, is_ in (
        ("Kept", before.kept, after.kept),
        ("Still needed", before.need, after.need),
        ("Waived", before.waived, after.waived),
    ):
        if was != is_:
            yield f"{name}: {_becomes(*(written.money(Money(minor, before.total.currency)) for minor in (was, is_)))}"
    if before.owed != after.owed:
        yield f"Owed back: {_becomes(_sums(before.owed, written), _sums(after.owed, written))}"


def _becomes(one: str, two: str) -> str:
    return f"{one} \N{RIGHTWARDS ARROW} {two}"


def _sums(sums: Mapping[str, int], written: Format) -> str:
    return " + ".join(written.money(Money(minor, of)) for of, minor in sorted(sums.items()) if minor) or "nothing"


class Booked(Protocol):
    """A row of the ledger: by how much it changed each figure."""

    entry: Entry
    currency: str
    taken: int
    given_back: int
    unmatched: int
    waived: int
    owed: int


# What a change of each figure up, and down, means.
_FIGURES = {
    "taken": ("taken", "no longer taken"),
    "given_back": ("given back", "came back"),
    "unmatched": ("waits for its payment to be told", "found its payment"),
    "waived": ("waived", "no longer waived"),
    "owed": ("owed back", "of what was owed"),
}


def did(row: Booked, order_currency: str, written: Format = PLAIN) -> list[str]:
    """What the booking changed: "59.90 EUR taken", "5.00 EUR owed back"."""
    found = []
    for figure, (up, down) in _FIGURES.items():
        minor = getattr(row, figure)
        if minor:
            money = Money(abs(minor), row.currency if figure == "owed" else order_currency)
            found.append(f"{written.money(money)} {up if minor > 0 else down}")
    return found
