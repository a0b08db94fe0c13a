"""The desk: what a batch needs from the database to be decided, and the decisions.

One message after the other, in the order of arrival; after each that changed its order, what waits on that order is
decided again. All of it with pure values: nothing is written here, so that a preview is the same code.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator
from datetime import datetime

from ..callbacks import known, waiting
from ..callbacks.due import Due
from ..callbacks.waiting import NO_KEYS, Keys
from ..domain.errors import CallbackFailed, Conflict, Reason, Refused
from ..domain.money import (
    Around,
    Decision,
    Ruling,
    decide,
    forgotten,
    holds_back,
    ids_of,
    looked_at_again,
    other_payment_waits,
)
from ..domain.states import AttemptKind, Effect, Verb
from ..domain.values import Message, Outcome, Verification
from ..look import Look
from ..orders import books
from ..orders.books import Book
from .case import Accounts
from .examining import Finding
from .names import Names, Told, now_found
from .results import Result, Tried, begun, still_waiting


class Desk:
    """A batch and all that the database knows about it, as it was looked at.

    `before`: of the batch before, in a preview of several: what it decided holds here as if it had been made so.
    """

    def __init__(self, findings: Iterable[Finding], accounts: Accounts, look: Look, before: Desk | None = None) -> None:
        self.now: datetime = before.now if before else accounts.as_of
        self.accounts = accounts
        self.tried = sorted((begun(finding) for finding in findings), key=lambda one: one.arrived)
        self._look = look
        self._known = known.of(self._vouched(), look)
        self.books: dict[int, Book] = dict(before.books) if before else {}
        self._names = Names(look)
        self._waiting: list[Tried] = []
        self._held: list[Tried] = []  # of which something waits, in the order of arrival
        self._gather()
        if before is not None:
            self._known.update(before._known)
            self._names.learn(before._names)

    # What is known

    def _vouched(self) -> Iterator[tuple[Due, Finding]]:
        """Those that were found genuine just now."""
        for one in self.tried:
            if one.finding.failure is None and not (one.finding.case and one.finding.case.as_kept):
                yield one.due, one.finding

    def _gather(self) -> None:
        """What is known of each message's names; the orders that something may be done to, locked; what waits on them.

        What is not genuine holds up no order that it names.
        """
        self._names.look_up(_told(self.tried))
        moving = [one for one in self.tried if one.finding.failure is None]
        self._names.look_up_bookings(_told(moving))
        ids = {id_ for due, message in _told(moving) for id_ in self._names.orders_for(due, message)}
        ids |= {one.due.assigned_id for one in moving if one.due.assigned_id is not None}
        opened = self._look(books.opened, frozenset(ids - self.books.keys()), lock=self._look.locks)
        self.books |= {id_: book.in_hand() for id_, book in opened.items()}
        for book in self.books.values():
            self._names.note(book)
        if not self.books:
            return
        self._waiting = self._wait_on(self.books.values())
        for one in self._waiting:
            one.ours = one.ours and self._is_believed(one)
        self._names.look_up(_told(self._waiting))
        self._names.look_up_bookings(_told(self._waiting))
        for one in (*self._waiting, *self.tried):
            if any(result.waits for result in one.results):
                self._hold(one)

    def _hold(self, one: Tried) -> None:
        if one not in self._held:
            insort(self._held, one, key=lambda held: held.arrived)

    def _wait_on(self, of: Iterable[Book]) -> list[Tried]:
        held = list(of)
        keys = Keys(
            frozenset(book.id for book in held),
            frozenset(book.facts.number for book in held),
            frozenset(
                (
                    *(id_ for book in held for payment in book.facts.payments for id_ in payment.transactions if id_),
                    *(id_ for one in self.tried for result in one.results for id_ in ids_of(result.message)),
                )
            ),
        )
        shops, but = frozenset(book.shop_id for book in held), tuple(one.due.id for one in self.tried)
        found = self._look(waiting.waiting_on, shops, keys, but, lock=self._look.locks)
        return [still_waiting(one.due, one.ours) for one in found]

    def _is_believed(self, one: Tried) -> bool:
        """Nothing of an account that is switched off is; its callbacks wait until it is on again, and hold back what
        they held back before.
        """
        missing = {one.due.account_id} - self.accounts.ids
        if missing:
            self.accounts.add(missing)
        return self.accounts[one.due.account_id].enabled

    # Deciding

    def decide(self) -> None:
        """Each of the batch, in the order of arrival."""
        for one in self.tried:
            finding = one.finding
            if finding.failure is None:
                finding.failure = self._forged(one.due, finding)
            ruling = finding.case.ruling if finding.case else None
            for result in one.results:
                result.order_id = self._names.order_of(one.due, result.message)
                undecided = result.effect is None and not _is_for_a_person(one, result)
                if finding.failure is None and (undecided or _takes_back(ruling, result)):
                    self._try(one, result, ruling)
            if finding.failure is None and any(result.waits for result in one.results):
                self._hold(one)

    def pass_over_in_vain(self) -> None:
        """Of the batch, what comes to nothing is as if it had not been tried."""
        for one in self.tried:
            if one.in_vain:
                one.pass_over()

    @property
    def recorded(self) -> list[Tried]:
        """Those of which something is to be written."""
        return [one for one in (*self.tried, *self._waiting) if one.moved]

    def missed(self) -> list[int]:
        """Behind the commit: the callbacks whose order could not be found and can be found now. Whoever brought it
        looked for them too, and did not see them before the commit, or saw them in our hands: who commits last sees the
        other. Those that wait were in our hands as well as those of the batch.
        """
        return now_found(self._lost, self._look)

    @property
    def _lost(self) -> list[Told]:
        both = (*self.tried, *self._waiting)
        return [(one.due, r.message) for one in both for r in one.results if r.failure and _not_found(r.failure)]

    @property
    def stirred(self) -> bool:
        """Whether there is anything that somebody may have missed, or that we may have."""
        return bool(self._lost or self.moved)

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
                    and looked_at_again(failure)
                    and self._names.order_of(one.due, result.message) == order_id
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
            if ruling is None:
                raise
            result.refused = str(refused)
            return False
        except CallbackFailed as failure:
            result.failure, result.effect = failure, None
            return False
        result.failure, result.effect = None, decision.effect
        if decision.effect is Effect.repeated:
            assert result.order_id is not None
            result.repeats_id = self._names.first_told(one.due, result.message, result.order_id)
        self._take(one, result, decision)
        if ruling is not None and ruling.verb is Verb.unowe:
            result.failure, result.effect = _decide_anew(), None
        return decision.changed

    def _take(self, one: Tried, result: Result, decision: Decision) -> None:
        assert result.order_id is not None
        book = self.books[result.order_id]
        others = self._paid_waiting(book.id, but=result) if decision.events else ()
        waits = other_payment_waits(decision.order, others)
        booked = len(book.facts.ledger)
        book.take(decision, callback_id=one.due.id, actor=one.due.by, other_waits=waits)
        self._names.note_booked(book, booked, one.due.id)
        self._names.note(book)

    def _decision(self, one: Tried, result: Result, ruling: Ruling | None) -> Decision:
        message = result.message
        if message.outcome is Outcome.unclear:
            raise CallbackFailed(Reason.unreadable if message.unreadable else Reason.unclear, message.detail)
        if not one.waited:
            self._check_event(one.due, message)
        order_id = result.order_id = self._names.order_of(one.due, message)
        book = self.books.get(order_id) if order_id is not None else None
        if book is None:
            raise _no_order(message)
        account = one.due.account_id
        rules, around = self.accounts.rules(account), self._around(one, result, book)
        return decide(book.facts, message, account, self.now, rules, ruling, around)

    def _around(self, one: Tried, result: Result, book: Book) -> Around:
        message, early = result.message, one.due.received_at < book.created_at
        elsewhere = self._names.booked_elsewhere(one.due, message, book.id)
        paid_waits = any(True for _ in self._paid_waiting(book.id, but=result))
        behind = early and message.outcome is Outcome.pending and forgotten(message, self._ended_early(one, book))
        return Around(paid_waits, early, behind, elsewhere)

    def _ended_early(self, one: Tried, book: Book) -> Iterator[Message]:
        """What came for that order behind this callback and before the order was handed in."""
        since, account = one.due.received_at, one.due.account_id
        for other in self.tried:
            if since < other.due.received_at < book.created_at and other.due.account_id == account:
                yield from (r.message for r in other.results if self._names.order_of(other.due, r.message) == book.id)
        yield from self._look(waiting.ended_early, account, Keys.of(book.id, book.facts), since, book.created_at)

    def _paid_waiting(self, order_id: int, but: Result) -> Iterator[Message]:
        """Money that came in for the order and waits for a person."""
        for one in self._held:
            for result in one.results:
                if (
                    result is not but
                    and result.failure is not None
                    and holds_back(result.failure.reason, result.message)
                    and self._names.order_of(one.due, result.message) == order_id
                ):
                    yield result.message

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


def _told(tried: Iterable[Tried]) -> Iterator[Told]:
    return ((one.due, result.message) for one in tried for result in one.results)


def _not_found(failure: CallbackFailed) -> bool:
    return failure.reason is Reason.order_not_found


def _no_order(message: Message) -> CallbackFailed:
    if message.order_number:
        return CallbackFailed(Reason.order_not_found, f"there is no order {message.order_number}")
    return CallbackFailed(Reason.order_not_found, "it names no order we know", Conflict.names_no_order)


def _is_for_a_person(one: Tried, result: Result) -> bool:
    """It waits for what no change of its order ends, and nobody has said anything of it."""
    by_itself = one.finding.case is not None and one.finding.case.as_kept and one.due.kind is AttemptKind.automatic
    return by_itself and result.before is not None and not looked_at_again(result.before)


def _takes_back(ruling: Ruling | None, result: Result) -> bool:
    """A person thinks better of what was decided about it."""
    return ruling is not None and ruling.verb is Verb.unowe and result.effect is Effect.owed


def _decide_anew() -> CallbackFailed:
    return CallbackFailed(
        Reason.order_conflict, "A person thought better of giving it back: decide anew.", Conflict.payment_taken_out
    )
