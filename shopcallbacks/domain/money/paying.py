"""Money that comes in: whether the order takes it, how much of it, and what a person may say about it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..errors import CallbackFailed, Conflict, Reason, Refused
from ..states import Effect, Entry, OrderState, Verb
from ..values import Money
from .decision import Decision, Telling, conflict
from .matching import covered, matched
from .order import OrderFacts
from .payment import Life, later
from .tries import revives


@dataclass(frozen=True)
class Split:
    """What becomes of a payment. `taken`, `waived`: in the order's currency; `owed`: in the payment's own."""

    taken: int = 0
    owed: int = 0
    waived: int = 0


def paid(telling: Telling) -> Decision:
    """Money came in: told before, taken, owed, or for a person."""
    if telling.payment.life is Life.taken_out:
        if _told_before_its_end(telling):
            return telling.repeated()
        if telling.verb is None:
            raise conflict(Conflict.payment_taken_out, "Paid, but a person has taken this payment out of the books.")
    elif telling.so_far is None and telling.bookings(Entry.payment):
        return telling.repeated()
    money = _money(telling)
    if money is None:
        return telling.repeated() if telling.figures.came_in else telling.nothing()
    return _RULED[telling.verb](telling, money)


def _told_before_its_end(telling: Telling) -> bool:
    at, end = telling.message.at, telling.payment.ended_at
    return at is not None and end is not None and not later(at, end)


def _money(telling: Telling) -> Money | None:
    """What comes in by this message: what it names, what it adds to the sum so far, else what the order needs (of one
    that needs nothing, its total). None where a sum so far adds nothing.
    """
    message, order = telling.message, telling.order
    if message.money is None:
        return Money(order.need, order.total.currency) if order.need > 0 else order.total
    if not message.total:
        return message.money
    more = message.money.minor - telling.figures.came_in[message.money.currency]
    return Money(more, message.money.currency) if more > 0 else None


# What happens without a person's word, and with one


def _by_itself(telling: Telling, money: Money) -> Decision:
    if not _takes(telling):
        if _all_given_back(telling, money):
            return owe(telling, money)
        raise _not_taken(telling.order)
    return _compared(telling, money)


def _takes(telling: Telling) -> bool:
    return telling.order.waiting or (revives(telling.order) and telling.settings.payment_reopens)


def _all_given_back(telling: Telling, money: Money) -> bool:
    return money.currency == telling.order.total.currency and 0 < money.minor <= telling.figures.unmatched


def _not_taken(order: OrderFacts) -> CallbackFailed:
    match order.state:
        case OrderState.open:
            return conflict(Conflict.paid_already, "Paid, but the order is paid already, by another payment.")
        case OrderState.refunded:
            return conflict(Conflict.order_refunded, "Paid, but the order is refunded.")
        case _:
            return conflict(Conflict.order_cancelled, "Paid, but the order is cancelled.")


def _compared(telling: Telling, money: Money) -> Decision:
    """The order takes it where sum and currency fit, or differ by no more than the shop accepts once for all."""
    message, order = telling.message, telling.order
    if money.currency != order.total.currency:
        raise CallbackFailed(Reason.currency_mismatch, f"order in {order.total.currency}, callback in {money.currency}")
    if money.minor == order.need:
        return _whole(telling, money, Split(taken=money.minor), Effect.opened)
    if money.minor > order.need and message.at_least:
        surplus = money.minor - order.need if order.kept else 0
        return _whole(telling, money, Split(taken=money.minor - surplus, owed=surplus), Effect.opened)
    if 0 < money.minor < order.need and message.part:
        return _part(telling, money)
    if money.minor > 0 and abs(money.minor - order.need) <= telling.settings.tolerance:
        return _accept(telling, money)
    if 0 < money.minor < order.need and telling.settings.parts:
        return _part(telling, money)
    raise CallbackFailed(Reason.amount_mismatch, _differs(order, money))


def _differs(order: OrderFacts, money: Money) -> str:
    if order.need == order.total.minor:
        return f"order {order.total}, callback {money}"
    return f"order {order.total}, still to pay {Money(order.need, order.total.currency)}, callback {money}"


def _accept(telling: Telling, money: Money) -> Decision:
    order = telling.order
    _need(order.state is not OrderState.open, "The order is paid already.")
    _need(money.minor > 0, "Nothing came in.")
    foreign = money.currency != order.total.currency
    differs = foreign or money.minor != order.need
    _need(differs or telling.payment.life is Life.taken_out, "The sum is the order's: there is nothing to accept.")
    if foreign:
        split = Split(taken=order.need)
    elif money.minor >= order.need:
        split = Split(taken=order.need, owed=money.minor - order.need)
    else:
        split = Split(taken=money.minor, waived=order.need - money.minor)
    return _whole(telling, money, split, Effect.accepted)


def _take_as_part(telling: Telling, money: Money) -> Decision:
    order = telling.order
    fits = money.currency == order.total.currency and 0 < money.minor < order.need
    _need(fits and order.state is not OrderState.open, "Only less than the order still needs is a part of it.")
    _need(telling.payment.life is not Life.taken_out, "This payment was taken out: reopen, accept or owe it.")
    return _part(telling, money)


def _take_too(telling: Telling, money: Money) -> Decision:
    _need(telling.order.state is OrderState.open, "The order is not open: it can take the payment itself.")
    _need(money.currency == telling.order.total.currency, "The order is in another currency.")
    return telling.done(_booked(telling, money, Split(taken=money.minor)), Effect.taken_too, money)


def _reopen(telling: Telling, money: Money) -> Decision:
    _need(telling.order.state in (OrderState.cancelled, OrderState.refunded), "The order is not closed.")
    return _compared(telling, money)


def owe(telling: Telling, money: Money) -> Decision:
    """The order stays as it is; what had left of the payment beyond what came in is covered first."""
    _need(money.minor > 0, "Nothing came in.")
    order = _booked(telling, money, Split(owed=money.minor))
    order = covered(order, telling.payment)
    more = order.owed[money.currency] - telling.order.owed[money.currency]
    return telling.done(order, Effect.owed if more else Effect.recorded, Money(more, money.currency) if more else money)


_RULED = {
    None: _by_itself,
    Verb.accept: _accept,
    Verb.part: _take_as_part,
    Verb.take_too: _take_too,
    Verb.reopen: _reopen,
    Verb.owe: owe,
}


def _need(fits: bool, else_: str) -> None:
    if not fits:
        raise Refused(else_)


# Booking


def _booked(telling: Telling, money: Money, split: Split) -> OrderFacts:
    """The order with the payment in its ledger, and what had left of it before booked against it."""
    row = replace(
        telling.row(Entry.payment, money),
        came_in=money.minor,
        taken=split.taken,
        owed=split.owed,
        waived=split.waived,
    )
    payment = replace(telling.payment, life=Life.booked, ended_at=None, heard_at=telling.now)
    return matched(telling.order.with_payment(payment).booked(row), payment)


def _whole(telling: Telling, money: Money, split: Split, effect: Effect) -> Decision:
    """Taken, and nothing more is needed: unless all of it had been given back before it was told."""
    before = telling.order
    order = _booked(telling, money, split)
    if split.taken and order.kept <= before.kept:
        if order.kept:
            return telling.done(order.now(OrderState.awaiting_payment), Effect.part_paid, money)
        return telling.done(order.now(OrderState.refunded), Effect.refunded, money)
    if effect is Effect.opened and not before.waiting:
        effect = Effect.reopened
    return telling.done(order.now(OrderState.open), effect, money)


def _part(telling: Telling, money: Money) -> Decision:
    order = _booked(telling, money, Split(taken=money.minor))
    return telling.done(order.now(OrderState.awaiting_payment).but(held_since=None), Effect.part_paid, money)
