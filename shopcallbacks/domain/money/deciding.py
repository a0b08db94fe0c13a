"""The one way in: what a message does to an order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from ..errors import CallbackFailed, Conflict, Reason, Refused
from ..states import Effect, Entry, Verb
from ..values import Message, Outcome
from .decision import ALONE, Around, Decision, Telling, conflict
from .joining import join
from .leaving import left
from .order import OrderFacts
from .paying import paid
from .returning import undone
from .taking_out import take_out, unowe
from .tries import disputed, ended, pending
from .words import Ruling, Settings

_RULES: dict[Outcome, Callable[[Telling], Decision]] = {
    Outcome.pending: pending,
    Outcome.failed: ended,
    Outcome.cancelled: ended,
    Outcome.paid: paid,
    Outcome.refunded: left,
    Outcome.charged_back: left,
    Outcome.chargeback_reversed: undone,
    Outcome.refund_failed: undone,
    Outcome.disputed: disputed,
}

# The movement of money that each outcome tells of.
ENTRIES = {
    Outcome.paid: Entry.payment,
    Outcome.refunded: Entry.refund,
    Outcome.charged_back: Entry.chargeback,
    Outcome.chargeback_reversed: Entry.chargeback_reversal,
    Outcome.refund_failed: Entry.refund_failure,
}

_FITS = {
    Verb.take_back: {Outcome.failed, Outcome.cancelled},
    Verb.choose: {Outcome.refunded, Outcome.charged_back},
    Verb.accept: {Outcome.paid, Outcome.refunded, Outcome.charged_back},
    Verb.part: {Outcome.paid},
    Verb.take_too: {Outcome.paid},
    Verb.reopen: {Outcome.paid},
    Verb.owe: {Outcome.paid},
    Verb.unowe: {Outcome.paid},
}

_TAKES_OUT = {Verb.take_back: take_out, Verb.unowe: unowe}


def decide(
    order: OrderFacts,
    message: Message,
    account: int,
    now: datetime,
    settings: Settings,
    ruling: Ruling | None = None,
    around: Around = ALONE,
) -> Decision:
    """What the message does to the order; `ruling`: a person's word on it, where it waits for one.

    `CallbackFailed` where a person must decide: then nothing changed. `Refused` where the ruling does not fit.
    """
    if message.outcome is Outcome.ignored:
        return Decision(order, Effect.none)
    if message.outcome is Outcome.unclear:
        raise CallbackFailed(Reason.unreadable if message.unreadable else Reason.unclear, message.detail)
    _compare(order, message, account)
    if ruling is not None and message.outcome not in _FITS.get(ruling.verb, ()):
        raise Refused("That does not fit what the callback says.")
    joined, told = join(order, account, message.transaction_id, message.carries_on)
    telling = Telling(joined, message, account, now, settings, ruling, around)
    _check_elsewhere(telling)
    rule = (_TAKES_OUT.get(ruling.verb) if ruling else None) or _RULES[message.outcome]
    return rule(telling).after(told)


def _compare(order: OrderFacts, message: Message, account: int) -> None:
    if message.test is not None and message.test != order.test:
        this, other = ("a test", "a live") if message.test else ("a live", "a test")
        raise conflict(Conflict.other_mode, f"This is {this} callback, and the order is {other} order.")
    if order.account is not None and order.account != account:
        raise conflict(Conflict.other_account, "The order was to be paid by another gateway account.")


def _check_elsewhere(telling: Telling) -> None:
    entry = ENTRIES.get(telling.message.outcome)
    if entry is None or not telling.around.elsewhere or telling.bookings(entry):
        return
    raise conflict(Conflict.other_order, f"This {entry.replace('_', ' ')} is booked on another order already.")
