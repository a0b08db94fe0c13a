"""What a person must say with a verb beside the reason, and what can be offered to them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ..domain.near import Near, Said
from ..domain.states import Verb
from ..domain.values import LEAVES, Money
from ..orders.near import near_orders
from ..orders.order import Order
from .callback import Callback


class Want(StrEnum):
    """Each is a field of the question, `ask/_want_<name>.html`."""

    payment = "payment"  # of which it was given back
    sum = "sum"  # that counts, in the order's currency
    order = "order"  # to which it belongs


@dataclass(frozen=True)
class Choice:
    """A payment of the order, by its transaction, with what is kept and owed of it."""

    transaction: str
    kept: Money
    owed: tuple[Money, ...]


def wants(verb: Verb, callback: Callback) -> tuple[Want, ...]:
    """What must be said with the verb about this callback."""
    if verb is Verb.assign:
        return (Want.order,)
    if verb is Verb.choose:
        return (Want.payment,)
    order = callback.order
    if verb is not Verb.accept or order is None or callback.outcome not in LEAVES:
        return ()
    which = callback.transaction_id is None and len(choices(callback)) > 1
    differs = callback.currency is not None and callback.currency != order.currency
    return (*((Want.payment,) if which else ()), *((Want.sum,) if differs else ()))


def choices(callback: Callback) -> list[Choice]:
    """The payments of its order, and of its account, that have money."""
    if callback.order is None:
        return []
    facts = callback.order.facts
    found = []
    for payment in facts.payments_with_money(callback.account_id):
        figures, transaction = facts.figures(payment), payment.transactions[0]
        if transaction is not None:
            owed = tuple(Money(minor, currency) for currency, minor in sorted(figures.owed.items()))
            found.append(Choice(transaction, Money(figures.kept, facts.total.currency), owed))
    return found


def near(callback: Callback) -> list[tuple[Order, Near]]:
    """The orders that it may mean, the likeliest first."""
    said = Said(callback.order_number, callback.money, callback.customer, callback.account.longest_number)
    return [(order, why) for order, why in near_orders(callback.shop_id, said) if order.id != callback.order_id]
