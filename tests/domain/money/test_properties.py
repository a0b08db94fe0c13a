"""What holds whatever comes, in whatever order: messages, rulings, the shop's words and the clock, drawn by chance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from operator import methodcaller

from hypothesis import given, settings
from hypothesis import strategies as st

from shopcallbacks.domain.errors import Reason
from shopcallbacks.domain.money import OrderFacts, OrderState, Ruling, Settings, Verb, looked_at_again
from shopcallbacks.domain.values import Message, Money, Outcome

from .memory import MemoryShell
from .stories import EPOCH

Step = Callable[[MemoryShell], object]

IDS = ("T1", "T2", "T3")
SUMS = (0, 1, 500, 1500, 2000, 2900, 4900, 5400)
TOLD = [outcome for outcome in Outcome if outcome not in (Outcome.ignored, Outcome.unclear)]
WITH_TOTAL = (Outcome.paid, Outcome.refunded, Outcome.charged_back)


@st.composite
def messages(draw: st.DrawFn) -> Message:
    outcome = draw(st.sampled_from(TOLD))
    money = Money(draw(st.sampled_from(SUMS)), draw(st.sampled_from(("EUR", "EUR", "EUR", "USD"))))
    at = draw(st.none() | st.integers(0, 50))
    transaction = draw(st.sampled_from((*IDS, *IDS, None)))
    number = "A-2" if transaction == "T3" else "A-1"
    if outcome not in (Outcome.paid, Outcome.pending):
        number = draw(st.sampled_from((number, number, "A-1", "A-2", None)))
    return Message(
        outcome,
        order_number=number,
        transaction_id=transaction,
        money=draw(st.sampled_from((money, money, money, None))),
        movement=draw(st.sampled_from((None, None, "M1", "M2", "M3"))),
        total=outcome in WITH_TOTAL and draw(st.integers(0, 4)) == 0,
        at_least=outcome is Outcome.paid and draw(st.integers(0, 4)) == 0,
        part=outcome is Outcome.paid and draw(st.integers(0, 3)) == 0,
        carries_on=draw(st.sampled_from((None, None, None, *IDS[:2]))) if transaction != "T3" else None,
        uncaptured=outcome is Outcome.cancelled and draw(st.booleans()),
        at=EPOCH + timedelta(seconds=at) if at is not None else None,
    )


@st.composite
def steps(draw: st.DrawFn) -> Step:
    number = draw(st.sampled_from(("A-1", "A-1", "A-2")))
    kind = draw(st.sampled_from("mmmmmmmmmpppporcsew"))
    match kind:
        case "m":
            message, account = draw(messages()), draw(st.sampled_from(("main", "main", "main", "other")))
            return partial(_tell, account, message)
        case "p":
            verb, place = draw(st.sampled_from([*_PERSONS])), draw(st.integers(0, 7))
            ruling = Ruling(verb, draw(st.none() | st.just(1500)), draw(st.sampled_from(IDS)))
            return partial(_rule, place, ruling)
        case "o" | "r":
            total = Money(draw(st.sampled_from((4900, 4900, 4410, 2000))), "EUR")
            return partial(_hand_in, number, total)
        case "w":
            return methodcaller("wait", draw(st.sampled_from((1, 700, 2000))))
        case _:
            return methodcaller({"c": "cancel", "s": "settle", "e": "enough"}[kind], number)


_PERSONS = (Verb.accept, Verb.part, Verb.take_too, Verb.reopen, Verb.owe, Verb.take_back, Verb.choose, Verb.close)
SHOPS = st.builds(Settings, st.sampled_from((0, 600)), st.booleans(), st.booleans())


def _tell(account: str, message: Message, shell: MemoryShell) -> None:
    shell.tell(f"m{len(shell.kept)}", account, message)


def _hand_in(number: str, total: Money, shell: MemoryShell) -> None:
    shell.hand_in(number, total, None)


def _rule(place: int, ruling: Ruling, shell: MemoryShell) -> None:
    waiting = [id_ for id_, kept in shell.kept.items() if kept.waits]
    if waiting:
        shell.rule(waiting[place % len(waiting)], ruling)


def _new(shop: Settings) -> MemoryShell:
    shell = MemoryShell(shop)
    shell.hand_in("A-2", Money(4900, "EUR"), 1800)
    shell.hand_in("A-1", Money(4900, "EUR"), 1800)
    return shell


@settings(max_examples=150, deadline=None)
@given(SHOPS, st.lists(steps(), max_size=14))
def test_no_figure_is_ever_negative_and_the_state_says_what_is_kept(shop: Settings, days: list[Step]) -> None:
    shell = _new(shop)
    for step in days:
        step(shell)
        for order in shell.facts:
            _check(order)


def _check(order: OrderFacts) -> None:
    for payment in order.payments:
        figures = order.figures(payment)
        sums = (figures.taken, figures.given_back, figures.unmatched, figures.waived)
        assert min(*sums, *figures.owed.values(), *figures.settled.values(), *figures.came_in.values()) >= 0
    assert sum(row.taken for row in order.ledger) == order.taken == sum(order.figures(p).taken for p in order.payments)
    assert order.kept == order.taken - order.given_back + order.lost
    match order.state:
        case OrderState.open:
            assert order.kept
        case OrderState.cancelled | OrderState.refunded:
            assert not order.kept
        case _:
            assert order.need > 0


@settings(max_examples=150, deadline=None)
@given(SHOPS, st.lists(steps(), max_size=10), messages())
def test_told_twice_changes_nothing(shop: Settings, days: list[Step], message: Message) -> None:
    shell = _new(shop)
    for step in days:
        step(shell)
    shell.tell("once", "main", message)
    before, waited = list(shell.facts), shell.kept["once"].waits
    shell.tell("twice", "main", message)
    assert [_money(order) for order in shell.facts] == [_money(order) for order in before]
    assert shell.kept["twice"].waits if waited else shell.kept["twice"].fate in ("none", "repeated")


def _money(order: OrderFacts) -> object:
    return order.state, order.ledger, [replace(payment, heard_at=None) for payment in order.payments]


@settings(max_examples=150, deadline=None)
@given(SHOPS, st.lists(steps(), max_size=12))
def test_looking_again_leaves_nothing_that_could_move(shop: Settings, days: list[Step]) -> None:
    shell = _new(shop)
    for step in days:
        step(shell)
        for kept in list(shell.kept.values()):
            order = shell.about(kept)
            if (
                kept.failure
                and order is not None
                and kept.failure.reason is not Reason.order_not_found
                and looked_at_again(kept.failure)
            ):
                before = list(shell.facts)
                shell.attempt(kept)
                assert shell.facts == before


TRY = st.lists(
    st.sampled_from(
        (
            Message(Outcome.pending, "A-1", "T1", money=Money(4900, "EUR"), at=EPOCH),
            Message(Outcome.paid, "A-1", "T1", money=Money(4900, "EUR"), at=EPOCH + timedelta(seconds=10)),
            Message(Outcome.refunded, "A-1", "T1", money=Money(1500, "EUR"), movement="R1"),
            Message(Outcome.refunded, "A-1", "T1", money=Money(900, "EUR"), movement="R2"),
            Message(Outcome.failed, "A-1", "T1", money=Money(4900, "EUR"), at=EPOCH + timedelta(seconds=5)),
            Message(Outcome.charged_back, "A-1", "T1", money=Money(1000, "EUR"), movement="D1"),
        )
    ),
    unique_by=lambda message: (message.outcome, message.movement),
)


@given(TRY.flatmap(lambda told: st.tuples(st.just(told), st.permutations(told))))
def test_messages_that_only_come_late_end_the_same(orders: tuple[list[Message], list[Message]]) -> None:
    """A payment, its refunds, and an earlier refusal of the same transaction, in any order of delivery."""
    one, two = (_told(order) for order in orders)
    if any(message.outcome is Outcome.paid for message in orders[0]):
        assert one == two
    else:
        assert one[1:] == two[1:]  # a pending behind its own refusal does not begin the try again


def _told(messages: list[Message]) -> tuple[object, ...]:
    shell = _new(Settings())
    for place, message in enumerate(messages):
        shell.tell(str(place), "main", message)
    order = shell.facts[1]
    return order.state, order.taken, order.given_back, order.kept, order.unmatched, dict(order.owed)
