"""What a retry or a force would do, found out by the code that would do it. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ..callbacks.callback import NOTHING_MORE, Callback, More
from ..domain.errors import CallbackFailed, Reason
from ..domain.states import Effect, Kind, OrderState, Verb
from ..domain.values import Message, Outcome
from ..orders.order import Order
from .deciding import Desk, Tried
from .pipeline import rehearse

# All that a forced attempt skips; whatever else keeps a callback from being processed keeps a forced one too.
SKIPPED = (Reason.not_genuine, Reason.gateway_unreachable)
# Where one more attempt, the same as before, may end otherwise.
WORTH_A_RETRY = (*SKIPPED, Reason.order_not_found, Reason.account_disabled, Reason.crashed, None)


class WhyNot(StrEnum):
    """Why forcing can't help."""

    not_the_check = "not_the_check"  # it is not the check with the gateway that keeps it
    silent = "silent"  # the callback itself says nothing, the gateway must be asked
    fails = "fails"  # it would fail again


@dataclass(frozen=True)
class Change:
    """What would come of one message: an effect on an order, or a failure."""

    message: Message
    order: Order | None
    effect: Effect | None
    failure: CallbackFailed | None
    refused: str
    after: OrderState | None


@dataclass(frozen=True)
class Foresight:
    """`why_not` None: it would be processed, at least in part."""

    changes: Sequence[Change]
    failure: CallbackFailed | None
    why_not: WhyNot | None

    @property
    def effects(self) -> list[Change]:
        return [change for change in self.changes if change.effect is not None]


def of_retry(callback: Callback) -> Foresight | None:
    """None where only the gateway could tell, for it would be asked."""
    return _unless_asked(callback, Kind.retry)


def of(callback: Callback, verb: Verb, more: More = NOTHING_MORE) -> Foresight | None:
    """Of whatever verb asks for an attempt, with what else the person would say."""
    if verb is Verb.force:
        return of_force(callback)
    return _unless_asked(callback, verb.attempts, more) if verb.attempts else None


def _unless_asked(callback: Callback, kind: Kind, more: More = NOTHING_MORE) -> Foresight | None:
    return None if callback.would_ask(kind) else _foresee(callback, kind, more)


def of_force(callback: Callback) -> Foresight:
    hopeless = hopeless_to_force(callback)
    return Foresight((), None, hopeless) if hopeless else _foresee(callback, Kind.forced)


def hopeless_to_force(callback: Callback) -> WhyNot | None:
    """Where an attempt need not even be foreseen."""
    if not callback.account.gateway.speaks:
        return WhyNot.silent
    return WhyNot.not_the_check if callback.reason not in SKIPPED else None


def forcing_may_help(callback: Callback) -> bool:
    """The same in short, from what is known of the callback already: for a row among many."""
    order, money = callback.order, callback.money
    return (
        callback.reason in SKIPPED
        and callback.account.gateway.speaks
        and callback.account.enabled
        and order is not None
        and callback.outcome not in (None, Outcome.unclear, Outcome.ignored)
        and (money is None or (money.currency == order.currency and _enough(callback, order)))
    )


def _enough(callback: Callback, order: Order) -> bool:
    return callback.outcome is not Outcome.paid or (callback.amount_minor or 0) >= order.amount_minor


def _foresee(callback: Callback, kind: Kind, more: More = NOTHING_MORE) -> Foresight:
    (tried,), desk = rehearse([callback], kind, more=more)
    changes = tuple(_changes(tried, desk))
    helps = tried.finding.failure is None and any(change.effect is not None for change in changes)
    return Foresight(changes, tried.failure, None if helps else WhyNot.fails)


def _changes(tried: Tried, desk: Desk) -> Iterator[Change]:
    orders = Order.read({result.order_id for result in tried.results if result.order_id is not None})
    for result in tried.results:
        order = orders.get(result.order_id) if result.order_id is not None else None
        after = desk.books[order.id].facts.state if order is not None and order.id in desk.books else None
        yield Change(
            result.message,
            order,
            None if result.refused else result.effect,
            result.failure,
            result.refused,
            after if result.effect is not None else None,
        )
