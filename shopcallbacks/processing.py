"""THE STORY: claim what is due, verify it, interpret it, apply it to orders, record what happened.

Nothing here commits: a job (or a preview, which rolls back) decides when. A gateway is asked through the `ask` that is
handed in, and always before any order is locked.
"""

from __future__ import annotations

import random
import secrets
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from .attempts import BY_ITSELF, Attempt, KeptMessage, Kind
from .callbacks import Callback, State
from .cases import Case
from .errors import CallbackFailed, Reason
from .extensions import db, utcnow
from .feed import publish
from .ledger import Payment
from .orders import Order
from .transitions import Effect, Entry, decide, movement_of
from .values import Answer, Ask, Message, NoAnswer, Outcome, Verdict, Verification
from .verifying import Asker, verify

# When a callback whose gateway can't be reached, or whose order is not there yet, is tried again by itself.
BACK_OFF = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 300, 1800, 7200))
TRIED_AGAIN = (Reason.gateway_unreachable, Reason.order_not_found)


@dataclass
class Finding:
    """What one run over a callback found out before any order was looked at."""

    case: Case
    started: float
    verification: Verification | None = None
    messages: tuple[Message, ...] = ()
    diagnosis: str | None = None
    failure: CallbackFailed | None = None
    error: str | None = None


@dataclass
class Result:
    """What came of one message: an effect, or the reason why there is none."""

    message: Message
    order_id: int | None = None
    effect: Effect | None = None
    failure: CallbackFailed | None = None
    repeats_id: int | None = None


def process(limit: int = 100) -> int:
    """One batch of those for which nobody is asked: claimed, decided and applied in one transaction. How many."""
    callbacks = Callback.claim(limit)
    apply([(callback, examine(Case.of(callback), nobody)) for callback in callbacks])
    return len(callbacks)


def nobody(question: Ask) -> Answer | NoAnswer:
    """Who is asked where nobody may be asked."""
    return NoAnswer("not asked")


def examine(case: Case, ask: Asker) -> Finding:
    """Verify and interpret: values in, values out; safe to run in a thread. Never raises."""
    finding = Finding(case, time.perf_counter())
    try:
        if case.closed:
            raise CallbackFailed(Reason.account_disabled, case.closed)
        _verify(finding, ask)
        _interpret(finding)
    except CallbackFailed as failure:
        finding.failure = failure
    except Exception:
        finding.failure, finding.error = _crashed()
    return finding


def _verify(finding: Finding, ask: Asker) -> None:
    case = finding.case
    if case.forced:
        finding.verification = Verification.skipped()
        return
    finding.verification = verify(case.gateway, case.request, case.settings, ask)


def _interpret(finding: Finding) -> None:
    """What it says; of one that isn't genuine too, to show what it claims."""
    case, verification = finding.case, finding.verification
    assert verification is not None
    messages = case.gateway.interpret(case.request, case.settings, verification.evidence)
    if not messages:  # a genuine batch of none
        messages = (Message(Outcome.ignored),)
    # Where the callback doesn't say whether it is a test, the account's mode does.
    finding.messages = tuple(m if m.test is not None else replace(m, test=case.test) for m in messages)
    if verification.verdict is Verdict.unreachable:
        raise CallbackFailed(Reason.gateway_unreachable, verification.detail)
    if verification.verdict is Verdict.not_genuine:
        reason = Reason.unreadable if verification.unreadable else Reason.not_genuine
        raise CallbackFailed(reason, verification.detail)


def _crashed() -> tuple[CallbackFailed, str]:
    """Of the exception in hand: a reason with an id to tell the admins, and what they find under it."""
    error_id = secrets.token_hex(2)
    return CallbackFailed(Reason.crashed, f"error {error_id}"), f"{error_id}\n{traceback.format_exc()}"


def diagnose(finding: Finding) -> None:
    """Of one that isn't genuine: what would have made it pass. Reads other secrets, so not for threads."""
    if finding.failure is not None and finding.failure.reason is Reason.not_genuine:
        finding.diagnosis = finding.case.explain()
        if finding.diagnosis:
            finding.failure = CallbackFailed(Reason.not_genuine, finding.diagnosis)


# Applying


def apply(found: Sequence[tuple[Callback, Finding]]) -> None:
    """Applies the findings to orders and records the attempts; one by one where one of them can't be stored."""
    if not found:
        return
    for _, finding in found:
        if finding.diagnosis is None:
            diagnose(finding)
    try:
        with db.session.begin_nested():
            _apply(found)
    except Exception:
        if len(found) == 1:
            callback, finding = found[0]
            finding.failure, finding.error = _crashed()
            finding.messages = ()
            with db.session.begin_nested():
                _record(callback, finding, [])
            return
        for one in found:
            apply([one])


def _apply(found: Sequence[tuple[Callback, Finding]]) -> None:
    desk = Desk.prepare(found)
    for callback, finding in sorted(found, key=lambda one: (one[0].received_at, one[0].id)):
        _record(callback, finding, desk.results(callback, finding))
    publish()


@dataclass
class Desk:
    """All that a batch needs from the database to be decided: its orders, locked, and what was known before."""

    orders: dict[int, Order] = field(default_factory=dict)
    by_number: dict[tuple[int, str], int] = field(default_factory=dict)
    by_transaction: dict[tuple[int, str], int] = field(default_factory=dict)
    by_movement: dict[Entry, dict[tuple[int, str], int]] = field(default_factory=dict)
    events: dict[tuple[int, str], tuple[int, bytes, Message]] = field(default_factory=dict)
    deliveries: dict[tuple[int, str], tuple[int, bytes]] = field(default_factory=dict)

    @classmethod
    def prepare(cls, found: Sequence[tuple[Callback, Finding]], lock: bool = True) -> Desk:
        said = [(callback, message) for callback, finding in found for message in finding.messages]
        vouched = [(c, f) for c, f in found if f.failure is None]
        desk = cls(
            by_number=Order.ids_by_number((c.shop_id, m.order_number) for c, m in said if m.order_number),
            by_transaction=Payment.orders_of_transactions(
                (c.account_id, m.transaction_id) for c, m in said if m.transaction_id
            ),
            events=KeptMessage.known((c.account_id, m.event_id) for c, f in vouched for m in f.messages if m.event_id),
            deliveries=Callback.known_deliveries(
                (c.account_id, f.verification.delivery_id)
                for c, f in vouched
                if f.verification and f.verification.delivery_id
            ),
        )
        for entry, outcome in ((Entry.payment, Outcome.paid), (Entry.refund, Outcome.refunded)):
            desk.by_movement[entry] = Payment.orders_of_movements(
                entry, ((c.account_id, movement_of(m)) for c, m in said if m.outcome is outcome)
            )
        ids = {order_id for c, m in said if (order_id := desk.order_id(c, m)) is not None}
        desk.orders = Order.lock(ids) if lock else Order.read(ids)
        return desk

    def order_id(self, callback: Callback, message: Message) -> int | None:
        """By number, and where the message brings none that is known, by a transaction already in the ledger."""
        found = self.by_number.get((callback.shop_id, message.order_number)) if message.order_number else None
        if found is None and message.transaction_id:
            found = self.by_transaction.get((callback.account_id, message.transaction_id))
        return found

    def results(self, callback: Callback, finding: Finding, dry: bool = False) -> list[Result]:
        """What comes of each message. `dry`: only decide, for a preview."""
        if finding.failure is None:
            finding.failure = self._forged_delivery(callback, finding)
        kept = {message.place: message for message in callback.messages if message.applied_at is not None}
        results = []
        for place, message in enumerate(finding.messages):
            result = Result(message, self.order_id(callback, message))
            if finding.failure is None:
                if place in kept:  # a retry repeats only what is not applied
                    result.effect, result.order_id = kept[place].effect, kept[place].order_id
                else:
                    self._settle(callback, result, dry)
            results.append(result)
        return results

    def _forged_delivery(self, callback: Callback, finding: Finding) -> CallbackFailed | None:
        """The same delivery with another body can't be genuine, whatever its signature says."""
        delivery = finding.verification.delivery_id if finding.verification else None
        if not delivery:
            return None
        first_id, digest = self.deliveries.setdefault((callback.account_id, delivery), (callback.id, callback.digest))
        if digest == callback.digest:
            return None
        finding.verification = Verification.not_genuine(
            f"The delivery {delivery} came before with another body (callback {first_id})."
        )
        return CallbackFailed(Reason.not_genuine, finding.verification.detail)

    def _settle(self, callback: Callback, result: Result, dry: bool) -> None:
        try:
            result.effect = self._decide(callback, result, dry)
        except CallbackFailed as failure:
            result.failure = failure

    def _decide(self, callback: Callback, result: Result, dry: bool) -> Effect:
        message = result.message
        if message.outcome is Outcome.ignored:
            return Effect.none
        if message.outcome is Outcome.unclear:
            raise CallbackFailed(Reason.unreadable if message.unreadable else Reason.unclear, message.detail)
        self._check_event(callback, message)
        order = self.orders.get(result.order_id) if result.order_id is not None else None
        if order is None:
            known = f"there is no order {message.order_number}" if message.order_number else "it names no order we know"
            raise CallbackFailed(Reason.order_not_found, known)
        if order.account_id is not None and order.account_id != callback.account_id:
            raise CallbackFailed(Reason.order_conflict, "The order was to be paid by another gateway account.")
        self._check_movement(callback, order, message)
        decision = decide(order.facts, message)
        if decision.effect is Effect.repeated:
            result.repeats_id = _booked_by(order, message)
        if not dry:
            order.take(decision, callback.id, callback.account_id, utcnow())
            if decision.book is not None:
                self.by_movement[decision.book.entry][callback.account_id, decision.book.movement] = order.id
        return decision.effect

    def _check_event(self, callback: Callback, message: Message) -> None:
        """The same event with another body that says something else is for a person."""
        if message.event_id is None:
            return
        key = (callback.account_id, message.event_id)
        first_id, digest, before = self.events.setdefault(key, (callback.id, callback.digest, message))
        if digest != callback.digest and _meaning(before) != _meaning(message):
            raise CallbackFailed(
                Reason.unclear,
                f"Suspicious: the event {message.event_id} came before and said something else (callback {first_id}).",
            )

    def _check_movement(self, callback: Callback, order: Order, message: Message) -> None:
        entry = {Outcome.paid: Entry.payment, Outcome.refunded: Entry.refund}.get(message.outcome)
        if entry is None:
            return
        other = self.by_movement[entry].get((callback.account_id, movement_of(message)))
        if other is not None and other != order.id:
            raise CallbackFailed(Reason.order_conflict, f"This {entry} was booked on another order already.")


def _meaning(message: Message) -> tuple[object, ...]:
    return message.outcome, message.order_number, message.transaction_id, message.money


def _booked_by(order: Order, message: Message) -> int | None:
    """The callback that told of the movement first."""
    movement = movement_of(message)
    return next((row.callback_id for row in order.ledger if row.movement == movement), None)


# Recording


def _record(callback: Callback, finding: Finding, results: Sequence[Result]) -> None:
    """The attempt, what its messages did, and where the callback stands now."""
    now = utcnow()
    kind = callback.due_kind or Kind.automatic
    speaking = next((result for result in results if result.failure is not None), results[0] if results else None)
    failure = finding.failure or (speaking.failure if speaking else None)
    verification = finding.verification
    callback.attempt_count += 1
    effect = speaking.effect if speaking and failure is None else None
    db.session.add(
        Attempt(
            callback_id=callback.id,
            number=callback.attempt_count,
            kind=kind,
            asked_by_id=callback.asked_by_id if kind not in BY_ITSELF else None,
            why=callback.asked_why if kind not in BY_ITSELF else None,
            at=now,
            duration_us=int((time.perf_counter() - finding.started) * 1_000_000),
            verdict=verification.verdict if verification else None,
            verification=_clean(verification.detail) if verification else "",
            secret=finding.case.label(verification.matched) if verification else None,
            diagnosis=finding.diagnosis,
            outcome=speaking.message.outcome if speaking else None,
            effect=effect,
            reason=failure.reason if failure else None,
            detail=_clean(failure.detail) if failure else "",
            error=finding.error,
        )
    )
    if finding.failure is None:
        _keep_messages(callback, results)
    if speaking is not None:
        _understand(callback, speaking)
    callback.verdict = verification.verdict if verification else None
    callback.delivery_id = verification.delivery_id if verification else None
    callback.effect = effect
    callback.version += 1
    callback.due_at = callback.due_kind = callback.leased_until = None
    callback.asked_by_id = callback.asked_at = callback.asked_why = None
    if failure is None:
        callback.state, callback.reason, callback.detail, callback.settled_at = State.processed, None, "", now
        return
    callback.state, callback.reason, callback.detail = State.unprocessed, failure.reason, _clean(failure.detail)
    if kind in BY_ITSELF:
        callback.tries += 1
    if failure.reason in TRIED_AGAIN and callback.tries <= len(BACK_OFF) and kind is not Kind.forced:
        wait = BACK_OFF[max(callback.tries, 1) - 1]
        callback.due_at, callback.due_kind = now + wait * random.uniform(0.9, 1.2), Kind.automatic
        callback.asks = finding.case.asks


def _keep_messages(callback: Callback, results: Sequence[Result]) -> None:
    kept = {message.place: message for message in callback.messages}
    for place, result in enumerate(results):
        message = kept.get(place)
        if message is not None and message.applied_at is not None:
            continue
        if message is None:
            message = KeptMessage(callback_id=callback.id, place=place, account_id=callback.account_id)
            callback.messages.append(message)
        said, failure = result.message, result.failure
        message.outcome = said.outcome
        message.order_number, message.order_id = said.order_number, result.order_id
        message.transaction_id, message.event_id = said.transaction_id, said.event_id
        message.amount_minor = said.money.minor if said.money else None
        message.currency = said.money.currency if said.money else None
        message.effect = result.effect
        message.reason = failure.reason if failure else None
        message.detail = _clean(failure.detail) if failure else ""
        message.applied_at = utcnow() if failure is None else None


def _understand(callback: Callback, result: Result) -> None:
    message = result.message
    callback.outcome = message.outcome
    callback.order_number = _short(message.order_number)
    callback.order_id = result.order_id
    callback.transaction_id = _short(message.transaction_id)
    callback.event_id = _short(message.event_id)
    callback.amount_minor = message.money.minor if message.money else None
    callback.currency = message.money.currency if message.money else None
    callback.test = message.test
    callback.customer = _short(message.customer)
    callback.repeats_id = result.repeats_id


def _clean(text: str) -> str:
    """What PostgreSQL can hold as text, and a screen can show."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "\N{REPLACEMENT CHARACTER}")[:500]


def _short(text: str | None) -> str | None:
    """Texts go into indexes, which hold 2,700 bytes at most."""
    return _clean(text) if text is not None else None


# Previews


def foresee(callback: Callback, kind: Kind, ask: Asker = nobody) -> tuple[Finding, list[Result]]:
    """What an attempt of that kind would do, by the code that would do it. Changes nothing."""
    finding = examine(Case.of(callback, kind), ask)
    diagnose(finding)
    with db.session.no_autoflush:
        desk = Desk.prepare([(callback, finding)], lock=False)
        return finding, desk.results(callback, finding, dry=True)
