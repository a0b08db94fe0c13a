"""The stories: how often, and what happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shopcallbacks.domain.errors import Conflict, Reason
from shopcallbacks.domain.states import OrderState
from shopcallbacks.domain.values import Answer, Money, Outcome
from shopcallbacks.gateways.base import Settings

from .account import Account
from .scene import Scene
from .steps import Call, CannotSay, Silence, conflicting, unprocessed

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
BUSY = Answer(503, b"Service Unavailable")

Teller = Callable[[Scene], None]


@dataclass(frozen=True)
class Plot:
    """`trouble`: it ends with a callback for a person. `ordered`: its end depends on what is processed first; `timed`:
    on the clock."""

    tell: Teller
    weight: int
    trouble: bool
    ordered: bool
    timed: bool


PLOTS: dict[str, Plot] = {}


def plot(weight: int, trouble: bool = False, ordered: bool = False, timed: bool = False) -> Callable[[Teller], Teller]:
    def keep(tell: Teller) -> Teller:
        PLOTS[tell.__name__] = Plot(tell, weight, trouble, ordered, timed)
        return tell

    return keep


@plot(60)
def paid(scene: Scene) -> None:
    scene.order(OrderState.open, payments=1)
    scene.call(Outcome.paid)


@plot(5)
def failed(scene: Scene) -> None:
    scene.order(OrderState.cancelled)
    scene.call(Outcome.failed)


@plot(3)
def cancelled(scene: Scene) -> None:
    scene.order(OrderState.cancelled)
    scene.call(Outcome.cancelled)


@plot(8)
def pending_then_paid(scene: Scene) -> None:
    scene.order(OrderState.open, payments=1)
    scene.call(Outcome.pending)
    scene.call(Outcome.paid, wait=8)


@plot(8)
def second_card(scene: Scene) -> None:
    """The first card is refused, the second pays."""
    scene.order(OrderState.open, payments=1)
    scene.call(Outcome.failed)
    scene.call(Outcome.paid, wait=5, transaction_id=scene.new_transaction())


@plot(4)
def parts(scene: Scene) -> None:
    """Two payments that add up."""
    _needs_parts(scene)
    first, rest = _shares(scene.money)
    scene.order(OrderState.open, payments=2)
    scene.call(Outcome.paid, money=first)
    scene.call(Outcome.paid, wait=9, money=rest, transaction_id=scene.new_transaction())


@plot(1)
def first_part_only(scene: Scene) -> None:
    _needs_parts(scene)
    scene.order(OrderState.awaiting_payment, payments=1)
    scene.call(Outcome.paid, money=_shares(scene.money)[0])


@plot(3)
def refunded(scene: Scene) -> None:
    scene.order(OrderState.refunded, payments=1)
    scene.call(Outcome.paid)
    scene.call(Outcome.refunded, wait=10)


@plot(2)
def partly_refunded(scene: Scene) -> None:
    scene.order(OrderState.open, payments=1)
    scene.call(Outcome.paid)
    scene.call(Outcome.refunded, wait=10, money=_shares(scene.money)[0])


@plot(3)
def refund_failed(scene: Scene) -> None:
    """What was given back did not reach the customer: it is owed again."""
    part = _shares(scene.money)[0]
    name = f"rf_{scene.number}"
    scene.order(OrderState.open, payments=1)
    scene.call(Outcome.paid)
    scene.call(Outcome.refunded, wait=6, money=part, event_id=name, movement=name)
    scene.call(Outcome.refund_failed, wait=8, money=part, event_id=name, movement=name)


@plot(3)
def dispute_won(scene: Scene) -> None:
    scene.order(OrderState.open, payments=1)
    scene.call(Outcome.paid)
    scene.call(Outcome.disputed, wait=6)
    scene.call(Outcome.charged_back, wait=3)
    scene.call(Outcome.chargeback_reversed, wait=12)


@plot(3)
def dispute_lost(scene: Scene) -> None:
    scene.order(OrderState.refunded, payments=1)
    scene.call(Outcome.paid)
    scene.call(Outcome.disputed, wait=6)
    scene.call(Outcome.charged_back, wait=9)


@plot(2)
def disputed(scene: Scene) -> None:
    """And not decided yet."""
    scene.order(OrderState.open, payments=1)
    scene.call(Outcome.paid)
    scene.call(Outcome.disputed, wait=6)


@plot(4)
def duplicated(scene: Scene) -> None:
    """The same bytes twice."""
    scene.order(OrderState.open, payments=1)
    scene.add(replace(scene.call(Outcome.paid), wait=0.2))


@plot(3)
def out_of_order(scene: Scene) -> None:
    """The callback is faster than its order."""
    scene.call(Outcome.paid, wait=0)
    scene.order(OrderState.open, payments=1, wait=4)


@plot(3)
def replaced(scene: Scene) -> None:
    """A cart that is changed before it is paid."""
    less = _shares(scene.money)[1]
    scene.order(OrderState.open, payments=1)
    scene.order(OrderState.open, payments=1, wait=2, money=less)
    scene.call(Outcome.paid, money=less)


@plot(2)
def replaced_too_late(scene: Scene) -> None:
    """The payment waits for its sum, until the shop hands the changed cart in."""
    more = Money(scene.money.minor + 500, scene.money.currency)
    scene.order(OrderState.open, payments=1)
    scene.call(Outcome.paid, money=more)
    scene.order(OrderState.open, payments=1, wait=6, money=more)


@plot(2)
def handed_in_again(scene: Scene) -> None:
    """Given up, and wanted after all."""
    scene.order(OrderState.open, payments=1)
    scene.cancel()
    scene.order(OrderState.open, payments=1, wait=4)
    scene.call(Outcome.paid)


@plot(2, timed=True)
def expired(scene: Scene) -> None:
    """Nobody pays in time."""
    scene.order(OrderState.cancelled, expires_at=scene.in_seconds(15))


@plot(1, trouble=True)
def given_up(scene: Scene) -> None:
    """Money for an order that the shop has cancelled."""
    scene.order(OrderState.cancelled)
    scene.cancel(wait=3)
    scene.call(Outcome.paid, conflicting(Conflict.order_cancelled), wait=4)


@plot(1, trouble=True, ordered=True)
def paid_twice(scene: Scene) -> None:
    """Two payments for one order."""
    second = scene.new_transaction()
    scene.order(OrderState.open, payments=1)
    scene.call(Outcome.paid)
    scene.call(Outcome.paid, conflicting(Conflict.paid_already), wait=6, transaction_id=second)


@plot(1, ordered=True)
def paid_twice_and_given_back(scene: Scene) -> None:
    """Two payments, of which the second is given back: nobody has to do anything."""
    second = scene.new_transaction()
    scene.order(OrderState.open, payments=2)
    scene.call(Outcome.paid)
    scene.call(Outcome.paid, wait=6, transaction_id=second)
    scene.call(Outcome.refunded, wait=9, transaction_id=second)


@plot(1, trouble=True, ordered=True)
def paid_after_refund(scene: Scene) -> None:
    second = scene.new_transaction()
    scene.order(OrderState.refunded, payments=1)
    scene.call(Outcome.paid)
    scene.call(Outcome.refunded, wait=6)
    scene.call(Outcome.paid, conflicting(Conflict.order_refunded), wait=8, transaction_id=second)


@plot(1, trouble=True, ordered=True)
def payment_gone(scene: Scene) -> None:
    """The payment that opened the order is said to have failed."""
    scene.order(OrderState.open, payments=1)
    scene.call(Outcome.paid)
    scene.call(Outcome.failed, conflicting(Conflict.payment_gone), wait=8)


@plot(1, trouble=True)
def other_account(scene: Scene) -> None:
    """The order was to be paid by another account of the shop."""
    if not scene.account.others:
        raise CannotSay("the shop has one account")
    scene.order(OrderState.temporary, gateway_account=scene.account.others[0])
    scene.call(Outcome.paid, conflicting(Conflict.other_account))


@plot(1, trouble=True)
def other_mode(scene: Scene) -> None:
    """A payment of play money for a real order."""
    scene.order(OrderState.temporary)
    scene.call(Outcome.paid, conflicting(Conflict.other_mode), test=True)
    if scene.heard is None:
        raise CannotSay("whether this gateway says so is only told when it is asked")


@plot(1, trouble=True, ordered=True)
def other_order(scene: Scene) -> None:
    """A payment that is told for two orders."""
    scene.order(OrderState.open, payments=1)
    scene.call(Outcome.paid)
    if scene.heard is None or scene.heard.movement:
        raise CannotSay("this gateway names each booking, and may tell one payment for two orders")
    scene.order(OrderState.temporary, number=f"{scene.number}-B", wait=2)
    scene.call(Outcome.paid, conflicting(Conflict.other_order), wait=4, order_number=f"{scene.number}-B")


@plot(1, trouble=True)
def names_no_order(scene: Scene) -> None:
    scene.call(Outcome.paid, unprocessed(Reason.order_not_found, conflict=Conflict.names_no_order), order_number=None)


@plot(1, trouble=True, ordered=True)
def which_payment(scene: Scene) -> None:
    """A refund that does not say of which of two payments."""
    _needs_parts(scene)
    first, rest = _shares(scene.money)
    scene.order(OrderState.open, payments=2)
    scene.call(Outcome.paid, money=first)
    scene.call(Outcome.paid, wait=3, money=rest, transaction_id=scene.new_transaction())
    end = unprocessed(Reason.unclear, conflict=Conflict.which_payment)
    scene.call(Outcome.refunded, end, wait=6, money=first, transaction_id=None)


@plot(1, trouble=True, ordered=True)
def too_much_refunded(scene: Scene) -> None:
    """Given back twice what was paid."""
    twice = Money(scene.money.minor * 2, scene.money.currency)
    scene.order(OrderState.open, payments=1)
    scene.call(Outcome.paid)
    scene.call(Outcome.refunded, unprocessed(Reason.amount_mismatch), wait=6, money=twice)


@plot(1, trouble=True)
def switched_off(scene: Scene) -> None:
    """An account that the shop uses no longer."""
    if not scene.account.closed:
        raise CannotSay("this account is in use")
    scene.order(OrderState.temporary)
    scene.call(Outcome.paid, unprocessed(Reason.account_disabled))


@plot(2, trouble=True)
def forged(scene: Scene) -> None:
    scene.order(OrderState.temporary)
    scene.call(Outcome.paid, unprocessed(Reason.not_genuine), settings=_with_other_secrets(scene.account), sent=False)


@plot(1, trouble=True)
def retired_secret(scene: Scene) -> None:
    if not scene.account.retired:
        raise CannotSay("this account has no retired secret")
    scene.order(OrderState.temporary)
    settings = {**scene.account.settings, **scene.account.retired}
    scene.call(Outcome.paid, unprocessed(Reason.not_genuine, conflict=Conflict.secret_retired), settings=settings)


@plot(1, trouble=True)
def badly_encoded(scene: Scene) -> None:
    """Bytes that are no text in any charset crept in on the way."""
    scene.order(OrderState.temporary)
    call = scene.call(Outcome.paid, unprocessed(Reason.unreadable, Reason.not_genuine, Reason.unclear), sent=False)
    middle = len(call.body) // 2
    scene.steps[-1] = replace(call, body=call.body[:middle] + b"\xff\xfe\x81" + call.body[middle:])


@plot(1, trouble=True)
def a_picture(scene: Scene) -> None:
    """Something posts a PNG."""
    headers = (("Content-Type", "image/png"), ("User-Agent", "upload/1.0"))
    end = unprocessed(Reason.unreadable, Reason.not_genuine, Reason.unclear)
    scene.add(Call(scene.account, "POST", b"", headers, PNG, end, (), 0.0))


@plot(1, trouble=True)
def unknown_order(scene: Scene) -> None:
    """Nobody ever places the order."""
    scene.call(Outcome.paid, unprocessed(Reason.order_not_found), wait=0)


@plot(2, trouble=True)
def wrong_amount(scene: Scene) -> None:
    """A tenth of what it costs; too much, where parts are added up."""
    minor = scene.money.minor * 11 // 10 if scene.account.parts else scene.money.minor // 10
    scene.order(OrderState.temporary)
    scene.call(Outcome.paid, unprocessed(Reason.amount_mismatch), money=replace(scene.money, minor=minor))


@plot(1, trouble=True)
def wrong_currency(scene: Scene) -> None:
    scene.order(OrderState.temporary)
    other = replace(scene.money, currency="EUR" if scene.money.currency == "USD" else "USD")
    scene.call(Outcome.paid, unprocessed(Reason.currency_mismatch), money=other)


@plot(2)
def busy_once(scene: Scene) -> None:
    """The gateway can't be asked at first; the automatic attempt succeeds."""
    _needs_asking(scene)
    scene.order(OrderState.open, payments=1)
    scene.call(Outcome.paid, before=(BUSY,))


@plot(1, trouble=True)
def silent(scene: Scene) -> None:
    """The gateway is asked and never answers."""
    _needs_asking(scene)
    scene.order(OrderState.temporary)
    call = scene.call(Outcome.paid, unprocessed(Reason.gateway_unreachable))
    scene.steps[-1] = replace(call, questions=tuple((ask, (Silence,)) for ask, _ in call.questions))


def _shares(money: Money) -> tuple[Money, Money]:
    """A third, and the rest."""
    third = money.minor // 3
    return replace(money, minor=third), replace(money, minor=money.minor - third)


def _needs_parts(scene: Scene) -> None:
    if not scene.account.parts:
        raise CannotSay("this shop adds no parts up")


def _needs_asking(scene: Scene) -> None:
    if not scene.account.asks:
        raise CannotSay("this gateway is not asked")


def _with_other_secrets(account: Account) -> Settings:
    """Secrets of the same form that are not the account's."""
    secret = {setting.key for setting in account.gateway.settings if setting.is_secret}
    return {key: _another(value) if key in secret else value for key, value in account.settings.items()}


def _another(value: Any) -> Any:
    if isinstance(value, str):
        turned = str.maketrans("0123456789abcdefABCDEF", "1234567890bcdefaBCDEFA")
        other = value[:-8] + value[-8:].translate(turned)
        return other if other != value else value.swapcase()
    if isinstance(value, Mapping):
        return {key: _another(item) for key, item in value.items()}
    return [_another(item) for item in value] if isinstance(value, Sequence) else value
