"""The desk: what a batch needs from the database to be decided, and the decisions.

One message after the other, in the order of arrival; after each that changed its order, what waits on that order is
decided again. All of it with pure values: nothing is written here, so that a preview is the same code.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ..callbacks import known, waiting
from ..callbacks.attempts import said
from ..callbacks.due import Due
from ..callbacks.waiting import NO_KEYS, Keys
from ..domain.errors import CallbackFailed, Conflict, Reason, Refused
from ..domain.money import (
    ENTRIES,
    Around,
    Decision,
    Holder,
    OrderFacts,
    Ruling,
    decide,
    forgotten,
    holds_back,
    ids_of,
    looked_at_again,
    movement_of,
    order_of,
    other_payment_waits,
)
from ..domain.states import Effect, Verb
from ..domain.values import Message, Outcome, Verification
from ..extensions import utcnow
from ..orders import books, look_ups
from ..orders.books import Book
from ..orders.look_ups import Movement
from ..orders.order import Order
from .case import Accounts
from .examining import Finding


@dataclass(eq=False)
class Result:
    """What came of one message: an effect, or the reason why there is none.

    `before`: the reason for which it waited already. `refused`: why a person's word did not fit.
    """

    message: Message
    order_id: int | None = None
    effect: Effect | None = None
    failure: CallbackFailed | None = None
    before: CallbackFailed | None = None
    refused: str = ""
    repeats_id: int | None = None
    tried: bool = False

    @property
    def waits(self) -> bool:
        return self.failure is not None


@dataclass(eq=False)
class Tried:
    """One callback on the desk. `waited`: it is here because it waits on an order of the batch.

    `ours`: it may be decided; else another has it, and it is only looked at.
    """

    finding: Finding
    results: list[Result] = field(default_factory=list)
    waited: bool = False
    ours: bool = True

    @property
    def due(self) -> Due:
        return self.finding.due

    @property
    def arrived(self) -> tuple[datetime, int]:
        return self.due.received_at, self.due.id

    @property
    def failure(self) -> CallbackFailed | None:
        """Why it is not processed, or not to its end."""
        return self.finding.failure or next((result.failure for result in self.results if result.failure), None)

    @property
    def moved(self) -> bool:
        """Whether anything is to be recorded of it: of one that only waited, where its standing is another now."""
        return not self.waited or any(result.tried and not _same(result) for result in self.results)


def _same(result: Result) -> bool:
    one, two = result.before, result.failure
    if one is None or two is None:
        return False
    return (one.reason, one.conflict, one.detail) == (two.reason, two.conflict, two.detail)


class Desk:
    """A batch and all that the database knows about it. `dry`: orders are read, not locked, and nothing is written.

    `before`: of the batch before, in a preview of several: what it decided holds here as if it had been made so.
    """

    def __init__(
        self, findings: Iterable[Finding], accounts: Accounts, *, dry: bool = False, before: Desk | None = None
    ) -> None:
        self.now = utcnow()
        self.accounts = accounts
        self.tried = sorted((_begun(finding) for finding in findings), key=lambda one: one.arrived)
        self._dry = dry
        self._known = known.of(self._vouched())
        self.books: dict[int, Book] = dict(before.books) if before else {}
        self._numbers: dict[tuple[int, str], int] = {}
        self._holders: dict[tuple[int, str], dict[int, Holder]] = {}
        self._movements: dict[Movement, dict[int, int | None]] = {}
        self._waiting: list[Tried] = []
        self._held: list[Tried] = []  # of which something waits, in the order of arrival
        self._gather()
        if before is not None:
            self._known.update(before._known)
            self._movements.update(before._movements)

    # What is known

    def _vouched(self) -> Iterator[tuple[Due, Finding]]:
        """Those that were found genuine just now."""
        for one in self.tried:
            if one.finding.failure is None and not (one.finding.case and one.finding.case.as_kept):
                yield one.due, one.finding

    def _gather(self) -> None:
        """The orders of the batch, locked; what waits on them; and what is known of each message's names."""
        self._look_up(self.tried)
        ids = {order_id for one in self.tried for result in one.results for order_id in self._orders_for(one, result)}
        ids |= {one.due.assigned_id for one in self.tried if one.due.assigned_id is not None}
        opened = books.opened(ids - self.books.keys(), lock=not self._dry)
        self.books |= opened
        for book in self.books.values():
            self._note(book)
        if not self.books:
            return
        self._waiting = [one for one in self._wait_on(self.books.values()) if self._may_decide(one)]
        self._look_up(self._waiting)
        for one in (*self._waiting, *self.tried):
            if any(result.waits for result in one.results):
                self._hold(one)

    def _hold(self, one: Tried) -> None:
        if one not in self._held:
            insort(self._held, one, key=lambda held: held.arrived)

    def _wait_on(self, of: Iterable[Book]) -> list[Tried]:
        held = list(of)
        keys = Keys(
            {book.id for book in held},
            {book.facts.number for book in held},
            {
                *(id_ for book in held for payment in book.facts.payments for id_ in payment.transactions if id_),
                *(id_ for one in self.tried for result in one.results for id_ in ids_of(result.message)),
            },
        )
        shops, but = {book.shop_id for book in held}, [one.due.id for one in self.tried]
        found = waiting.waiting_on(shops, keys, but, lock=not self._dry)
        return [_waiting(one.due, one.ours) for one in found]

    def _may_decide(self, one: Tried) -> bool:
        """Nothing of an account that is switched off is believed; its callbacks wait until it is on again."""
        missing = {one.due.account_id} - self.accounts.ids
        if missing:
            self.accounts.add(missing)
        return self.accounts[one.due.account_id].enabled

    def _look_up(self, tried: Sequence[Tried]) -> None:
        said_ = [(one.due, result.message) for one in tried for result in one.results]
        numbers = {(due.shop_id, m.order_number) for due, m in said_ if m.order_number} - self._numbers.keys()
        self._numbers |= Order.ids_by_number(numbers)
        ids = {(due.account_id, id_) for due, message in said_ for id_ in ids_of(message)} - self._holders.keys()
        for key, holders in look_ups.holders(ids).items():
            self._holders.setdefault(key, {}).update(holders)
        movements = {_movement(due, message) for due, message in said_} - {None}
        for movement, booked in look_ups.movements(movements - self._movements.keys()).items():  # type: ignore[arg-type]
            self._movements.setdefault(movement, {}).update(booked)

    def _note(self, book: Book) -> None:
        """The order as it is now, for whoever asks by the names of its payments."""
        for payment in book.facts.payments:
            holder = Holder.of(book.id, book.facts, payment)
            for id_ in payment.transactions:
                if id_ is not None:
                    self._holders.setdefault((payment.account, id_), {})[book.id] = holder
        self._numbers[book.shop_id, book.facts.number] = book.id

    def _orders_for(self, one: Tried, result: Result) -> Iterator[int]:
        """Every order that the message may be about."""
        number = self._by_number(one, result.message)
        if number is not None:
            yield number
        for id_ in ids_of(result.message):
            yield from self._holders.get((one.due.account_id, id_), ())

    def _by_number(self, one: Tried, message: Message) -> int | None:
        if one.due.assigned_id is not None:
            return one.due.assigned_id
        return self._numbers.get((one.due.shop_id, message.order_number)) if message.order_number else None

    def order_id(self, one: Tried, message: Message) -> int | None:
        if one.due.assigned_id is not None:
            return one.due.assigned_id
        known_by = (self._holders.get((one.due.account_id, id_), {}) for id_ in ids_of(message))
        holders = (holder for by_order in known_by for holder in by_order.values())
        return order_of(message, self._by_number(one, message), holders)

    # Deciding

    def decide(self) -> None:
        """Each of the batch, in the order of arrival."""
        for one in self.tried:
            finding = one.finding
            if finding.failure is None:
                finding.failure = self._forged(one.due, finding)
            for result in one.results:
                result.order_id = self.order_id(one, result.message)
                if finding.failure is None and result.effect is None:
                    self._try(one, result, finding.case.ruling if finding.case else None)
            if finding.failure is None and any(result.waits for result in one.results):
                self._hold(one)

    @property
    def recorded(self) -> list[Tried]:
        """Those of which something is to be written."""
        return [one for one in (*self.tried, *self._waiting) if one.moved]

    def missed(self) -> list[int]:
        """Behind the commit: the callbacks whose order could not be found and can be found now. Whoever brought it
        looked for them too, and did not see them before the commit: who commits last sees the other.
        """
        lost = [(one, r) for one in self.tried for r in one.results if r.failure and _not_found(r.failure)]
        self._look_up([one for one, _ in lost])
        return sorted({one.due.id for one, result in lost if self.order_id(one, result.message) is not None})

    @property
    def moved(self) -> dict[int, Keys]:
        """By shop: by what messages wait on the orders that were changed."""
        keys: dict[int, Keys] = {}
        for book in self.books.values():
            if book.changed:
                keys[book.shop_id] = keys.get(book.shop_id, NO_KEYS) | Keys.of(book.id, book.facts)
        return keys

    def _try(self, one: Tried, result: Result, ruling: Ruling | None = None) -> None:
        """Decides the message, and again what waits on its order where that has changed."""
        if self._decided(one, result, ruling) and result.order_id is not None:
            while self._again(result.order_id):
                pass

    def _again(self, order_id: int) -> bool:
        """The first that waits on the order and moves it; whether there was one."""
        for one in self._held:
            for result in one.results:
                failure = result.failure
                if (
                    one.ours
                    and failure is not None
                    and looked_at_again(failure.reason, result.message)
                    and self.order_id(one, result.message) == order_id
                    and self._decided(one, result)
                ):
                    return True
        return False

    def _decided(self, one: Tried, result: Result, ruling: Ruling | None = None) -> bool:
        """Decides the message; whether its order has changed."""
        result.tried = True
        if result.message.outcome is Outcome.ignored:
            result.failure, result.effect = None, Effect.none
            return False
        try:
            decision = self._decision(one, result, ruling)
        except Refused as refused:
            result.refused = str(refused)
            return False
        except CallbackFailed as failure:
            result.failure, result.effect = failure, None
            return False
        result.failure, result.effect = None, decision.effect
        if decision.effect is Effect.repeated:
            result.repeats_id = self._first_told(one, result)
        self._take(one, result, decision)
        if ruling is not None and ruling.verb is Verb.unowe:
            result.failure, result.effect = _decide_anew(), None
        return decision.changed

    def _take(self, one: Tried, result: Result, decision: Decision) -> None:
        assert result.order_id is not None
        book = self.books[result.order_id]
        others = self._paid_waiting(book.id, but=result) if decision.events else ()
        waits = other_payment_waits(decision.order, others)
        new = decision.order.ledger[len(book.facts.ledger) :]
        book.take(decision, callback_id=one.due.id, actor=one.due.by, other_waits=waits)
        for row in new:
            if row.movement is not None:
                self._movements.setdefault((row.account, row.entry, row.movement), {})[book.id] = one.due.id
        self._note(book)

    def _decision(self, one: Tried, result: Result, ruling: Ruling | None) -> Decision:
        message = result.message
        if message.outcome is Outcome.unclear:
            raise CallbackFailed(Reason.unreadable if message.unreadable else Reason.unclear, message.detail)
        if not one.waited:
            self._check_event(one.due, message)
        order_id = result.order_id = self.order_id(one, message)
        book = self.books.get(order_id) if order_id is not None else None
        if book is None:
            raise _no_order(message)
        rules = self.accounts.rules(one.due.account_id)
        around = self._around(one, result, book)
        account = one.due.account_id
        try:
            return decide(book.facts, message, account, self.now, rules, ruling, around)
        except CallbackFailed as failure:
            if ruling is None and self._tolerated(one, book.facts, message, failure):
                return decide(book.facts, message, account, self.now, rules, Ruling(Verb.accept), around)
            raise

    def _tolerated(self, one: Tried, order: OrderFacts, message: Message, failure: CallbackFailed) -> bool:
        """The shop lets so small a difference be, once for all."""
        tolerance, money = self.accounts[one.due.account_id].tolerance_minor, message.money
        if failure.reason is not Reason.amount_mismatch or message.outcome is not Outcome.paid or money is None:
            return False
        return 0 < abs(money.minor - order.need) <= tolerance

    def _around(self, one: Tried, result: Result, book: Book) -> Around:
        message, early = result.message, one.due.received_at < book.created_at
        movement = _movement(one.due, message)
        elsewhere = movement is not None and any(id_ != book.id for id_ in self._movements.get(movement, ()))
        paid_waits = any(True for _ in self._paid_waiting(book.id, but=result))
        behind = early and message.outcome is Outcome.pending and forgotten(message, self._ended_early(one, book))
        return Around(paid_waits, early, behind, elsewhere)

    def _ended_early(self, one: Tried, book: Book) -> Iterator[Message]:
        """What came for that order behind this callback and before the order was handed in."""
        since, account = one.due.received_at, one.due.account_id
        for other in self.tried:
            if since < other.due.received_at < book.created_at and other.due.account_id == account:
                yield from (r.message for r in other.results if self.order_id(other, r.message) == book.id)
        yield from waiting.ended_early(account, Keys.of(book.id, book.facts), since, book.created_at)

    def _paid_waiting(self, order_id: int, but: Result) -> Iterator[Message]:
        """Money that came in for the order and waits for a person."""
        for one in self._held:
            for result in one.results:
                if (
                    result is not but
                    and result.failure is not None
                    and holds_back(result.failure.reason, result.message)
                    and self.order_id(one, result.message) == order_id
                ):
                    yield result.message

    def _first_told(self, one: Tried, result: Result) -> int | None:
        """The callback that told of the movement first."""
        movement = _movement(one.due, result.message)
        return self._movements.get(movement, {}).get(result.order_id) if movement and result.order_id else None

    # What can't be genuine

    def _forged(self, due: Due, finding: Finding) -> CallbackFailed | None:
        """The same delivery with another body can't be genuine, whatever its signature says."""
        delivery = finding.verification.delivery_id if finding.verification else None
        first = self._known.delivery(due, delivery) if delivery else None
        if first is None:
            return None
        detail = f"The delivery {delivery} came before with another body (callback {first})."
        finding.verification = Verification.not_genuine(detail)
        return CallbackFailed(Reason.not_genuine, detail)

    def _check_event(self, due: Due, message: Message) -> None:
        """The same event with another body that says something else is for a person."""
        first = self._known.event(due, message)
        if first is not None:
            raise CallbackFailed(
                Reason.unclear,
                f"Suspicious: the event {message.event_id} came before and said something else (callback {first}).",
            )


def _begun(finding: Finding) -> Tried:
    """A callback of the batch. A retry repeats only what is not applied."""
    results = []
    for place, message in enumerate(finding.messages):
        kept = finding.due.kept.get(place) if finding.due.kept else None
        if kept is not None and kept.applied_at is not None:
            results.append(Result(message, kept.order_id, kept.effect))
        else:
            results.append(Result(message))
    if finding.case is not None and finding.case.as_kept:
        for place, result in enumerate(results):
            kept = finding.due.kept.get(place)
            if kept is not None and kept.reason is not None:
                result.failure = result.before = CallbackFailed(kept.reason, kept.detail, kept.conflict)
    return Tried(finding, results)


def _waiting(due: Due, ours: bool) -> Tried:
    """A callback that waits, with its messages as they were kept."""
    verification = Verification(due.verdict, "It was checked before.") if due.verdict else None
    finding = Finding(due, 0.0, None, verification, tuple(said(due.kept[place]) for place in sorted(due.kept)))
    results = []
    for place in sorted(due.kept):
        row = due.kept[place]
        failure = CallbackFailed(row.reason, row.detail, row.conflict) if row.reason else None
        effect = row.effect if failure is None else None
        results.append(Result(said(row), row.order_id, effect, failure, failure))
    return Tried(finding, results, waited=True, ours=ours)


def _movement(due: Due, message: Message) -> Movement | None:
    entry = ENTRIES.get(message.outcome)
    return (due.account_id, entry, movement_of(message)) if entry is not None else None


def _not_found(failure: CallbackFailed) -> bool:
    return failure.reason is Reason.order_not_found


def _no_order(message: Message) -> CallbackFailed:
    if message.order_number:
        return CallbackFailed(Reason.order_not_found, f"there is no order {message.order_number}")
    return CallbackFailed(Reason.order_not_found, "it names no order we know", Conflict.names_no_order)


def _decide_anew() -> CallbackFailed:
    return CallbackFailed(
        Reason.order_conflict, "A person thought better of giving it back: decide anew.", Conflict.payment_taken_out
    )
