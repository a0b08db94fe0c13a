"""What a verb would do, found out by the code that would do it. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ..callbacks.callback import NOTHING_MORE, Callback, More
from ..domain.errors import CallbackFailed, Conflict, Reason
from ..domain.states import Effect, OrderState, Verb
from ..domain.values import Message, Outcome
from ..look import Look, Snapshot
from ..orders.order import Order
from .deciding import Desk
from .pipeline import rehearse
from .results import Tried

# All that a forced attempt skips; whatever else keeps a callback from being processed keeps a forced one too.
FORCE_SKIPS = (Reason.not_genuine, Reason.gateway_unreachable)
# Where one more attempt, the same as before, may end otherwise.
PASSING = (*FORCE_SKIPS, Reason.order_not_found, Reason.account_disabled, Reason.crashed)
# After these the callback may wait all the same, for another reason or another order: they have done what they are for.
_WAITS_ON = (Verb.assign, Verb.unowe)


class WhyNot(StrEnum):
    """Why forcing can't help."""

    not_the_check = "not_the_check"  # it is not the check with the gateway that keeps it
    silent = "silent"  # the callback itself says nothing, the gateway must be asked
    fails = "fails"  # it would fail again


@dataclass(frozen=True)
class Change:
    """What would come of one message: an effect on an order, or a failure. `refused`: why the verb does not fit it.

    `after`: the order's state then.
    """

    message: Message
    order: Order | None
    effect: Effect | None
    failure: CallbackFailed | None
    refused: str
    after: OrderState | None


@dataclass(frozen=True)
class Also:
    """What would come of another callback, which waits on the same order and is looked at again."""

    callback_id: int
    change: Change


@dataclass(frozen=True)
class Foresight:
    """`why_not` None: it would do what it is for, at least in part."""

    changes: Sequence[Change]
    failure: CallbackFailed | None
    why_not: WhyNot | None
    also: Sequence[Also] = ()

    @property
    def effects(self) -> list[Change]:
        return [change for change in self.changes if change.effect is not None]

    @property
    def refused(self) -> str:
        """Why the verb does not fit anything that the callback says."""
        return "" if self.effects else next((change.refused for change in self.changes if change.refused), "")

    @property
    def helps(self) -> bool:
        return self.why_not is None and not self.refused


def foresee(callback: Callback, verb: Verb, more: More = NOTHING_MORE, look: Look | None = None) -> Foresight | None:
    """What the verb would do; None where it asks for no attempt, or where only the gateway, asked then, could tell.

    `more`: what the person would say with it; `look`: of several that are foreseen at the same moment.
    """
    look = look or Snapshot()
    hopeless = hopeless_to_force(callback) if verb is Verb.force else None
    if hopeless:
        return Foresight((), None, hopeless)
    if verb.attempts is None or callback.would_ask(verb.attempts):
        return None
    (tried,), desk = rehearse([callback], verb.attempts, more=more, look=look)
    changes = tuple(_changes(tried, desk, look))
    helps = tried.finding.failure is None and any(change.effect is not None for change in changes)
    also = tuple(
        Also(one.due.id, change) for one in desk.recorded if one.waited for change in _changes(one, desk, look)
    )
    return Foresight(changes, tried.failure, None if helps or verb in _WAITS_ON else WhyNot.fails, also)


def hopeless_to_force(callback: Callback) -> WhyNot | None:
    """Where an attempt need not even be foreseen."""
    if not callback.account.gateway.speaks:
        return WhyNot.silent
    return WhyNot.not_the_check if callback.reason not in FORCE_SKIPS else None


def retrying_may_help(reason: Reason | None) -> bool:
    """None: nothing has looked at it yet."""
    return reason is None or reason in PASSING


def forcing_may_help(callback: Callback) -> bool:
    """The same in short, from what is known of the callback already: for a row among many. What is ours to put right is
    put right there, not forced.
    """
    order, money = callback.order, callback.money
    return (
        callback.reason in FORCE_SKIPS
        and callback.conflict is None
        and callback.account.gateway.speaks
        and callback.account.enabled
        and order is not None
        and callback.outcome not in (None, Outcome.unclear, Outcome.ignored)
        and (money is None or (money.currency == order.currency and _enough(callback, order)))
    )


def ruling_may_help(verb: Verb, callback: Callback) -> bool:
    """In short too: whether what a person decides would fit the sum that the callback names."""
    if verb is Verb.assign:
        return callback.outcome is not Outcome.unclear
    order, money = callback.order, callback.money
    if order is None or callback.outcome is not Outcome.paid or callback.conflict is Conflict.payment_taken_out:
        return verb is not Verb.part
    less = money is not None and money.currency == order.currency and money.minor < order.need.minor
    differs = money is not None and money != order.need
    fits = {Verb.accept: differs, Verb.part: less, Verb.reopen: not differs}
    return fits.get(verb, True)


def _enough(callback: Callback, order: Order) -> bool:
    return callback.outcome is not Outcome.paid or (callback.amount_minor or 0) >= order.amount_minor


def _changes(tried: Tried, desk: Desk, look: Look) -> Iterator[Change]:
    orders = look(Order.read, frozenset(result.order_id for result in tried.results if result.order_id is not None))
    for result in tried.results:
        if not result.tried and result.effect is not None:
            continue  # applied before
        order = orders.get(result.order_id) if result.order_id is not None else None
        effect = None if result.refused else result.effect
        after = desk.books[order.id].facts.state if order is not None and effect and order.id in desk.books else None
        yield Change(result.message, order, effect, result.failure, result.refused, after)
