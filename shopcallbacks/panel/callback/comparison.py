"""A callback beside its order: what each says, and where they differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...callbacks.callback import Callback
from ...clock import utcnow
from ...domain.errors import Reason
from ...domain.values import LEAVES, Outcome, Verdict
from ...orders.order import Order
from ...words import outcomes
from ...words.formats import PLAIN, Format, age

PAYS = (Outcome.paid, Outcome.pending)
LATER = (*LEAVES, Outcome.refund_failed, Outcome.disputed, Outcome.chargeback_reversed)


@dataclass(frozen=True)
class Line:
    """`same`: whether the two agree; None where there is nothing to compare."""

    label: str
    callback: str
    order: str = ""
    same: bool | None = None


def compare(callback: Callback, format_: Format = PLAIN) -> list[Line]:
    """Only what either of them says. Without an order there is nothing to compare, and the callback stands alone; what
    can't be read says nothing of a state or a mode.
    """
    noise = ("State", "Live or test") if callback.reason is Reason.unreadable else ()
    lines = _lines(callback, callback.order, format_)
    return [line for line in lines if (line.callback or line.order) and line.label not in noise]


def _lines(callback: Callback, order: Order | None, format_: Format) -> Iterator[Line]:
    money = callback.money
    said = outcomes.OUTCOMES[callback.outcome] if callback.outcome else ""
    state = f"{outcomes.ORDER_STATES[order.state]}, {age(order.created_at, utcnow())} old" if order else ""
    yield Line("State", said, state)
    yield _amount(callback, order, format_)
    if money and order and money.currency != order.currency:
        yield Line("Currency", money.currency, order.currency, False)
    yield _account(callback, order)
    customer = order.customer_email or "" if order else ""
    yield Line("Customer", callback.customer or "", customer, _same(callback.customer, customer))
    yield _mode(callback, order)
    yield _verification(callback)


def _amount(callback: Callback, order: Order | None, format_: Format) -> Line:
    """Only what a payment says is to be the order's sum: what is told of it later may be a part."""
    money = callback.money
    said, total = (format_.money(sum_) if sum_ else "" for sum_ in (money, order and order.total))
    if money and order and callback.outcome in LATER:
        return Line("Amount", said, f"{format_.money(order.paid)} paid of {total}")
    return Line("Amount", said, total, money == order.total if money and order and callback.outcome in PAYS else None)


def _same(one: str | None, other: str | None) -> bool | None:
    return one.casefold() == other.casefold() if one and other else None


def _account(callback: Callback, order: Order | None) -> Line:
    account = callback.account
    if order is None or order.account_id is None:
        return Line("Account", account.title, "any of the shop's" if order else "")
    own = order.account_id == account.id
    named = next((other.title for other in account.shop.accounts if other.id == order.account_id), "another")
    return Line("Account", account.title, named, own)


def _mode(callback: Callback, order: Order | None) -> Line:
    test = callback.test if callback.test is not None else callback.account.tests_at(callback.received_at)
    ours = _live(order.test) if order else ""
    return Line("Live or test", _live(test), ours, test == order.test if order else None)


def _live(test: bool) -> str:
    return "test" if test else "live"


def _verification(callback: Callback) -> Line:
    last = callback.attempts[-1] if callback.attempts else None
    if last is None or last.verdict is None:
        return Line("Verification", "not checked yet" if last is None else "not checked")
    detail = last.diagnosis or last.verification
    text = outcomes.VERDICTS[last.verdict] + (f": {detail}" if detail else "")
    good = {Verdict.genuine: True, Verdict.not_genuine: False}.get(last.verdict)
    return Line("Verification", text + (f" ({last.secret})" if last.secret else ""), same=good)
