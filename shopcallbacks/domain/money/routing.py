"""Which order a message is about, and what waits is looked at again: pure, over what the shell looked up by keys.

For a batch the shell makes these look-ups, each one query over all its messages:
- orders by (shop, order number);
- payments by (account, id), for every transaction and `carries_on`: a `Holder` for each order of the shop that has one;
- the ledger's rows by (account, entry, movement): `Around.elsewhere`;
- of the orders found: the callbacks that wait on them (`Around.paid_waits`, `looked_at_again`, `forgotten`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from ..errors import CallbackFailed, Conflict, Reason
from ..values import Message, Money, Outcome
from .order import OrderFacts
from .payment import Payment

_NAMES_ITS_ORDER = frozenset({Outcome.paid, Outcome.pending})
_ENDS = frozenset({Outcome.failed, Outcome.cancelled})
AGAIN = frozenset({Reason.order_conflict, Reason.amount_mismatch, Reason.currency_mismatch, Reason.order_not_found})


class Hold(IntEnum):
    """How well an order knows a payment, the better the less."""

    booked = 0
    alive = 1
    ended = 2
    unheard = 3


@dataclass(frozen=True)
class Holder:
    """An order that knows a payment under one of the message's ids."""

    order: int
    hold: Hold

    @classmethod
    def of(cls, key: int, order: OrderFacts, payment: Payment) -> Holder:
        if order.figures(payment).booked:
            return cls(key, Hold.booked)
        return cls(key, Hold.alive if payment.alive else Hold.ended if payment.over else Hold.unheard)


def ids_of(message: Message) -> tuple[str, ...]:
    """The ids under which the payment of the message may be known."""
    return tuple(id_ for id_ in (message.transaction_id, message.carries_on) if id_ is not None)


def order_of(message: Message, by_number: int | None, holders: Iterable[Holder]) -> int | None:
    """The order that the message is about. `by_number`: the shop's order of the number that it carries.

    Money that comes in names its order; what is told later is about the order that has the payment, or had it: a
    failure that is told again must not end a try of another order.
    """
    best = min(
        holders, key=lambda holder: (holder.hold > Hold.alive, holder.order != by_number, holder.hold), default=None
    )
    if best is not None and best.hold is not Hold.unheard and message.outcome not in _NAMES_ITS_ORDER:
        return best.order
    return by_number if by_number is not None or best is None else best.order


def looked_at_again(failure: CallbackFailed) -> bool:
    """Whether a message that waits for it is decided again, in order of arrival, when its order changed. What is
    suspicious never is: it is for a person, whatever becomes of the order.
    """
    return failure.reason in AGAIN or failure.conflict is Conflict.which_payment


def holds_back(reason: Reason, message: Message) -> bool:
    """Whether it is money that waits for a person: its order is not cancelled meanwhile."""
    return message.outcome is Outcome.paid and reason in AGAIN


def other_payment_waits(order: OrderFacts, waiting: Iterable[Message]) -> bool:
    """Whether another payment of all that the order costs waits for a person. `waiting`: for which `holds_back` is
    true, but the message that is decided. An event of the order says so, that a shop does not stop what is paid.
    """
    return any(message.money is None or _covers(message.money, order.total) for message in waiting)


def _covers(money: Money, total: Money) -> bool:
    return money.currency == total.currency and money.minor >= total.minor


def forgotten(message: Message, behind: Iterable[Message]) -> bool:
    """Whether the try of a `pending` that came before its order had ended before that, too. `behind`: what came for
    that order behind this message and before the order was handed in.
    """
    if message.outcome is not Outcome.pending:
        return False
    return any(other.outcome in _ENDS and _same_try(message, other) for other in behind)


def _same_try(one: Message, two: Message) -> bool:
    if one.transaction_id is None or two.transaction_id is None:
        return one.transaction_id == two.transaction_id
    return not set(ids_of(one)).isdisjoint(ids_of(two))
