"""A shell in memory around the rules of money: messages, what waits, looking again, and a clock of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shopcallbacks.domain.errors import CallbackFailed, Reason, Refused
from shopcallbacks.domain.money import (
    ENTRIES,
    Around,
    Decision,
    Handing,
    Holder,
    OrderFacts,
    Ruling,
    Settings,
    Verb,
    cancel,
    decide,
    enough,
    forgotten,
    hand_in,
    holds_back,
    ids_of,
    looked_at_again,
    movement_of,
    order_of,
    settle,
    tick,
)
from shopcallbacks.domain.values import Message, Money, Outcome

from .stories import EPOCH


@dataclass
class Kept:
    """A message as it arrived. `failure`: why it waits."""

    place: int
    account: int
    message: Message
    fate: str = ""
    failure: CallbackFailed | None = None

    @property
    def waits(self) -> bool:
        return self.failure is not None


class MemoryShell:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.now: datetime = EPOCH
        self.kept: dict[str, Kept] = {}
        self.accounts: dict[str, int] = {}
        self.facts: list[OrderFacts] = []
        self.numbers: dict[str, int] = {}
        self.handed_in: list[int] = []  # behind how many messages each order was first handed in
        self.feed: list[list[str]] = []

    # What happens

    def hand_in(self, number: str, total: Money, expires_in: int | None) -> str:
        expires_at = self.now + timedelta(seconds=expires_in) if expires_in is not None else None
        order = self.numbers.get(number)
        try:
            before = self.facts[order] if order is not None else None
            decision, answer = hand_in(before, Handing(number, total, expires_at=expires_at))
        except Refused:
            return "refused"
        if order is None:
            order = self.numbers[number] = len(self.facts)
            self.facts.append(decision.order)
            self.handed_in.append(len(self.kept))
            self.feed.append([])
        self._take(order, decision)
        return answer.value

    def tell(self, id_: str, account: str, message: Message) -> None:
        number = self.accounts.setdefault(account, len(self.accounts))
        kept = self.kept[id_] = Kept(len(self.kept), number, message)
        self.attempt(kept)

    def rule(self, id_: str, ruling: Ruling) -> str | None:
        kept = self.kept[id_]
        if not kept.waits:
            return "refused"
        if ruling.verb is Verb.close:
            kept.fate, kept.failure = "closed", None
        elif self.about(kept) is not None:
            self.attempt(kept, ruling)
        return None

    def settle(self, number: str) -> str:
        return self._person(number, settle)

    def enough(self, number: str) -> str:
        return self._person(number, enough)

    def cancel(self, number: str) -> str:
        order = self.numbers[number]
        try:
            decision, answer = cancel(self.facts[order])
        except Refused:
            return "refused"
        self._take(order, decision)
        return answer.value

    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        for order, facts in enumerate(self.facts):
            self._take(order, tick(facts, self.now, self.settings, self._paid_waits(order)))

    # What is to be seen

    def fates(self) -> Mapping[str, str]:
        return {id_: kept.fate for id_, kept in self.kept.items()}

    def orders(self) -> Mapping[str, Mapping[str, Any]]:
        return {facts.number: _seen(facts) for facts in self.facts}

    def events(self) -> Mapping[str, list[str]]:
        return {facts.number: told for facts, told in zip(self.facts, self.feed, strict=True)}

    # How

    def _person(self, number: str, verb: Any) -> str:
        order = self.numbers[number]
        try:
            self._take(order, verb(self.facts[order]))
        except Refused:
            return "refused"
        return "done"

    def attempt(self, kept: Kept, ruling: Ruling | None = None) -> bool:
        """Decides the message; whether anything moved."""
        order, message = self.about(kept), kept.message
        try:
            if order is None and message.outcome not in (Outcome.ignored, Outcome.unclear):
                raise CallbackFailed(Reason.order_not_found, "it names no order we know")
            facts = self.facts[order] if order is not None else OrderFacts("", Money(0, "EUR"))
            around = self._around(kept, order)
            decision = decide(facts, message, kept.account, self.now, self.settings, ruling, around)
        except Refused:
            return False
        except CallbackFailed as failure:
            kept.fate, kept.failure = f"!{failure.reason}", failure
            return False
        kept.fate, kept.failure = decision.effect.value, None
        if order is not None:
            self._take(order, decision)
        return decision.changed

    def _take(self, order: int, decision: Decision) -> None:
        before, self.facts[order] = self.facts[order], decision.order
        self.feed[order] += [event.kind.value for event in decision.events]
        if decision.changed:
            self._look_again(order)
        elif decision.order != before:
            self._look_for_the_lost(order)

    def _look_again(self, order: int) -> None:
        """In order of arrival; whatever moves makes it begin anew, so that at its end nothing moves any more."""
        for kept in self._waiting(order):
            if kept.failure and looked_at_again(kept.failure) and self.attempt(kept):
                return

    def _look_for_the_lost(self, order: int) -> None:
        """Nothing moved, but the order has heard of a payment: what did not find its order may be about it."""
        for kept in self._waiting(order):
            if kept.failure and kept.failure.reason is Reason.order_not_found:
                self.attempt(kept)

    def _waiting(self, order: int) -> Iterator[Kept]:
        return (kept for kept in list(self.kept.values()) if kept.waits and self.about(kept) == order)

    def _paid_waits(self, order: int) -> bool:
        return any(kept.failure and holds_back(kept.failure.reason, kept.message) for kept in self._waiting(order))

    def about(self, kept: Kept) -> int | None:
        number = kept.message.order_number
        return order_of(kept.message, self.numbers.get(number) if number else None, self._holders(kept))

    def _holders(self, kept: Kept) -> Iterator[Holder]:
        for order, facts in enumerate(self.facts):
            for id_ in ids_of(kept.message):
                payment = facts.payment(kept.account, id_)
                if payment is not None:
                    yield Holder.of(order, facts, payment)

    def _around(self, kept: Kept, order: int | None) -> Around:
        if order is None:
            return Around()
        early = kept.place < self.handed_in[order]
        behind = [
            other.message
            for other in self.kept.values()
            if kept.place < other.place < self.handed_in[order]
            and other.account == kept.account
            and self.about(other) == order
        ]
        return Around(self._paid_waits(order), early, forgotten(kept.message, behind), self._elsewhere(kept, order))

    def _elsewhere(self, kept: Kept, order: int) -> bool:
        entry = ENTRIES.get(kept.message.outcome)
        movement = movement_of(kept.message)
        others = (facts for other, facts in enumerate(self.facts) if other != order)
        return entry is not None and any(
            not row.void for facts in others for row in facts.bookings_of(kept.account, entry, movement)
        )


def _seen(facts: OrderFacts) -> Mapping[str, Any]:
    currency = facts.total.currency
    other = {of: minor for of, minor in facts.owed.items() if of != currency}
    seen: dict[str, Any] = {"state": facts.state.value, "paid": facts.taken, "given_back": facts.given_back}
    return seen | {"owed": facts.owed[currency]} | ({"owed_other": other} if other else {})
