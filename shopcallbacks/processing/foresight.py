"""What a verb would do, found out by the code that would do it. Changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ..callbacks.callback import Callback
from ..domain.errors import CallbackFailed, Reason
from ..domain.states import Effect, OrderState, Verb
from ..domain.values import Message, Outcome
from ..orders.order import Order
from .deciding import Desk, Result
from .pipeline import rehearse

# All that a forced attempt skips; whatever else keeps a callback from being processed keeps a forced one too.
FORCE_SKIPS = (Reason.not_genuine, Reason.gateway_unreachable)
# Where one more attempt, the same as before, may end otherwise.
PASSING = (*FORCE_SKIPS, Reason.order_not_found, Reason.account_disabled, Reason.crashed)
_LEADS_TO = {
    Effect.opened: OrderState.open,
    Effect.awaiting: OrderState.awaiting_payment,
    Effect.cancelled: OrderState.cancelled,
    Effect.refunded: OrderState.refunded,
    Effect.reopened: OrderState.open,
}


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

    @property
    def after(self) -> OrderState | None:
        if self.order is None or self.effect is None:
            return None
        return _LEADS_TO.get(self.effect, self.order.state)


@dataclass(frozen=True)
class Foresight:
    """`why_not` None: it would be processed, at least in part."""

    changes: Sequence[Change]
    failure: CallbackFailed | None
    why_not: WhyNot | None

    @property
    def effects(self) -> list[Change]:
        return [change for change in self.changes if change.effect is not None]


def foresee(callback: Callback, verb: Verb) -> Foresight | None:
    """What the verb would do; None where it asks for no attempt, or where only the gateway, asked then, could tell."""
    hopeless = hopeless_to_force(callback) if verb is Verb.force else None
    if hopeless:
        return Foresight((), None, hopeless)
    if verb.attempts is None or callback.would_ask(verb.attempts):
        return None
    ((finding, results),), desk = rehearse([callback], verb.attempts)
    failure = finding.failure or next((result.failure for result in results if result.failure), None)
    changes = tuple(_change(result, desk) for result in results)
    helps = finding.failure is None and any(change.effect is not None for change in changes)
    return Foresight(changes, failure, None if helps else WhyNot.fails)


def hopeless_to_force(callback: Callback) -> WhyNot | None:
    """Where an attempt need not even be foreseen."""
    if not callback.account.gateway.speaks:
        return WhyNot.silent
    return WhyNot.not_the_check if callback.reason not in FORCE_SKIPS else None


def retrying_may_help(reason: Reason | None) -> bool:
    """None: nothing has looked at it yet."""
    return reason is None or reason in PASSING


def forcing_may_help(callback: Callback) -> bool:
    """The same in short, from what is known of the callback already: for a row among many."""
    order, money = callback.order, callback.money
    return (
        callback.reason in FORCE_SKIPS
        and callback.account.gateway.speaks
        and callback.account.enabled
        and order is not None
        and callback.outcome not in (None, Outcome.unclear, Outcome.ignored)
        and (money is None or (money.currency == order.currency and _enough(callback, order)))
    )


def reopening_may_help(callback: Callback) -> bool:
    """An order that is open already can't be opened by another payment."""
    return callback.paid_but and callback.order is not None and callback.order.state is not OrderState.open


def _enough(callback: Callback, order: Order) -> bool:
    return callback.outcome is not Outcome.paid or (callback.amount_minor or 0) >= order.amount_minor


def _change(result: Result, desk: Desk) -> Change:
    order = desk.orders.get(result.order_id) if result.order_id is not None else None
    return Change(result.message, order, result.effect, result.failure)
