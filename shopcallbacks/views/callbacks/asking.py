"""The question before a verb: what it would do, what must be said with it, and whether it can be done at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ...callbacks.callback import NOTHING_MORE, Callback, More
from ...callbacks.wants import Choice, Want, choices, near, wants
from ...domain.errors import Reason, Refused
from ...domain.near import Near
from ...domain.numbers import number_key
from ...domain.states import State, Verb
from ...domain.values import Money, Verdict
from ...gateways.kit.money import read_number
from ...orders.order import Order
from ...panel.headline import headline
from ...processing.foresight import Foresight, foresee
from ...shops.acts import Activity
from ...shops.users import User
from ...words import acts
from ...words.masking import mask
from ..screens import now, written
from .words import failure_words, order_number, sentence, why_not


class Lacks(Refused):
    """More must be said with the verb: a sentence saying what."""


@dataclass(frozen=True)
class Question:
    """`said`: the form's fields as they were typed."""

    verb: Verb
    callback: Callback
    user: User
    said: Mapping[str, str]

    @cached_property
    def wants(self) -> tuple[Want, ...]:
        return wants(self.verb, self.callback)

    @cached_property
    def more(self) -> More:
        """What was said beside the reason. `Refused` with a sentence where it lacks or can't be read."""
        more = NOTHING_MORE
        for want in self.wants:
            more = _READ[want](self, more)
        return more

    @cached_property
    def lacks(self) -> str:
        """Why what was said is not enough, in a sentence; empty where it is."""
        try:
            _ = self.more
        except Refused as refused:
            return str(refused)
        return ""

    @property
    def problem(self) -> str:
        """The same, once anything was said."""
        return self.lacks if any(self.said.get(name, "").strip() for name in _FIELDS) else ""

    @cached_property
    def foreseen(self) -> Foresight | None:
        """None where nothing is tried, only the gateway's answer can tell, or more must be said before."""
        return None if self.lacks else foresee(self.callback, self.verb, self.more)

    @property
    def refused(self) -> str:
        """Why it can't be done, in a sentence; empty where it can, as far as is known."""
        if self._moved_on:
            return f"This callback is {self.callback.last_move}; it can't be {self.verb.past} now."
        if barred := self.callback.barred(self.verb, self.user):
            return barred
        if self.foreseen is None or self.foreseen.helps:
            return ""
        if self.foreseen.refused:
            return f"It can't be done: {self.foreseen.refused}"
        if self.verb is Verb.force:
            return why_not(self.foreseen, self.callback)
        if self.foreseen.failure is None:
            return "It would change nothing."
        return f"It can't be done: {failure_words(self.foreseen.failure, self.callback)}"

    @property
    def _moved_on(self) -> bool:
        """It waits for no decision any more, or for one that is under way."""
        open_to = self.callback.open_to
        return self.verb not in open_to and (self.callback.state is not State.unprocessed or not open_to)

    def do(self, why: str, seen: int | None) -> None:
        """Does it to the locked callback. `Lacks` where more must be said; `Refused` where the callback has moved on
        since it was seen, or the verb does not fit it.
        """
        self.callback.guard(self.verb, why, seen)
        if self.lacks:
            raise Lacks(self.lacks)
        if self.verb.rules and self.foreseen is not None and self.foreseen.refused:
            raise Refused(self.foreseen.refused)
        self.callback.do(self.verb, self.user, why, more=self.more)

    # In words

    @property
    def title(self) -> str:
        return self._words.asks.format(gateway=self._gateway)

    @property
    def about(self) -> str:
        return self._words.about.format(gateway=self._gateway)

    @property
    def denied(self) -> bool:
        """The check with the gateway failed: only what was seen in the gateway itself can speak for a force."""
        return self.verb is Verb.force and self.callback.reason is Reason.not_genuine

    @property
    def warning(self) -> str:
        """What speaks against it, said first."""
        if not self.denied:
            return ""
        failed = [one for one in self.callback.attempts if one.verdict is Verdict.not_genuine]
        last = ", last" if len(failed) > 1 else ","
        when = f"{last} {written().moment(failed[-1].at, now(), seconds=False)}" if failed else ""
        return f"{headline(self.callback)}. Checked {acts.times(len(failed))}{when}: {sentence(self.callback.detail)}"

    @cached_property
    def first(self) -> Activity | None:
        """Who asked for a force that takes two people."""
        return self.callback.first_of_two if self.verb is Verb.force else None

    @property
    def asks_second(self) -> bool:
        """Nothing is forced yet: a second person is asked."""
        return self.verb is Verb.force and self.callback.forced_by_two and self.first is None

    @property
    def takes_two(self) -> str:
        return acts.TAKES_TWO.format(limit=written().money(self.callback.account.shop.force_limit))

    @property
    def confirms(self) -> str:
        """The button that does it, naming the effect."""
        if self.asks_second:
            return acts.ASK_SECOND
        if self.verb is Verb.force and self.foreseen and self.foreseen.effects:
            effects = [change.effect for change in self.foreseen.effects if change.effect]
            if len(effects) > 1:
                return f"Apply {len(effects)} messages without {self._gateway}'s confirmation"
            return acts.FORCES[effects[0]].format(gateway=self._gateway)
        return self._words.confirms.format(number=order_number(self.callback))

    @property
    def better(self) -> Verb | None:
        """The verb that is meant where this one is asked for by mistake: what is genuine is dealt with, not removed."""
        return Verb.close if self.verb is Verb.remove and Verb.close in self.callback.open_to else None

    # What is offered

    @property
    def choices(self) -> list[Choice]:
        return choices(self.callback)

    @property
    def near(self) -> list[tuple[Order, Near]]:
        return near(self.callback)

    @property
    def _words(self) -> acts.VerbWords:
        return acts.verb_words(self.verb, self.callback.outcome)

    @property
    def _gateway(self) -> str:
        return self.callback.account.title


# Reading what was said

_FIELDS = ("payment", "sum", "order", "number")


def _payment(question: Question, more: More) -> More:
    shown = question.said.get("payment", "")  # as the form has it, without what looks like a card number
    meant = [choice.transaction for choice in question.choices if mask(choice.transaction) == shown]
    if len(meant) != 1:
        raise Refused("Choose one of the order's payments.")
    return More(more.minor, meant[0], more.order)


def _sum(question: Question, more: More) -> More:
    assert question.callback.order is not None
    currency = question.callback.order.currency
    number = read_number(question.said.get("sum", "").strip())
    money = Money.of(number, currency) if number is not None else None
    if money is None or money.minor <= 0:
        raise Refused(f"Say the sum in {currency}, as {Money(1230, currency).amount}.")
    return More(money.minor, more.transaction, more.order)


def _order(question: Question, more: More) -> More:
    number = number_key(question.said.get("number", "")) or question.said.get("order", "")
    order = Order.find(question.callback.shop_id, number) if number else None
    if order is None:
        raise Refused(f"There is no order {number}." if number else "Say to which order it belongs.")
    return More(more.minor, more.transaction, order)


_READ = {Want.payment: _payment, Want.sum: _sum, Want.order: _order}
