"""A test callback: a really signed one to an account's own address, about a test order made for it.

It is rehearsed first by the very code that will process it, so that none is sent that could only fail.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import requests
from sqlalchemy import select

from ..callbacks import moves
from ..callbacks.callback import Callback
from ..callbacks.requests import KeptRequest
from ..clock import utcnow
from ..dashboard.health import TEST
from ..domain.errors import CallbackFailed
from ..domain.money import Answer, OrderFacts, Settings, decide
from ..domain.values import Message, Money, Outcome, Verdict
from ..extensions import db
from ..gateways.base import Example
from ..orders.intake import NewOrder
from ..orders.order import Order
from ..processing.examining import nobody
from ..processing.verifying import verify
from ..shops.accounts import GatewayAccount, Mode
from ..shops.acts import Activity
from ..shops.secrets import SecretUnreadable
from ..shops.users import User
from ..words.formats import PLAIN, Format

TIMEOUT_S = (5, 15)
# The first that the account takes.
CURRENCIES = ("EUR", "USD", "GBP", "PLN", "TRY", "UAH", "INR", "BRL", "CHF", "MXN", "SGD", "AUD", "CAD", "ZAR", "NGN")
MARK = "X-Shopcallbacks-Test"


class NotSent(ValueError):
    """No test callback can be sent to this account: a sentence for an admin."""


@dataclass(frozen=True)
class Prepared:
    """Ready to be sent. Plain values, so that no transaction is open while it goes."""

    url: str
    example: Example
    order: NewOrder


@dataclass(frozen=True)
class Sent:
    """What was answered, or why nothing was. `kept`: the answer is one that we give."""

    kept: bool
    sentence: str


def why_not(account: GatewayAccount, now: datetime) -> str | None:
    """Why no test callback can be sent to the account; None where one can."""
    try:
        prepare(account, now)
    except NotSent as error:
        return str(error)
    return None


def prepare(account: GatewayAccount, now: datetime) -> Prepared:
    """The test callback and its order; `NotSent` where the account or its gateway can't have one."""
    number = f"TEST-{Format(account.shop.time_zone).clock(now, 'yyMMdd-HHmmss')}"
    title = account.gateway.title
    if not account.enabled:
        raise NotSent("It is switched off, so nothing that comes is believed. Switch it on first.")
    try:
        settings, _ = account.settings_at(now)
    except SecretUnreadable as error:
        raise NotSent(f"On our side, {error}.") from None
    if lacks := account.lacks_in(settings):
        raise NotSent(f"{lacks}: none is in use. Add it first.")
    for currency in CURRENCIES:
        order = NewOrder(number, Money(100, currency), None, account.id, test=True)
        stamp = f"{now:%y%m%d%H%M%S%f}"
        wanted = Message(Outcome.paid, number, f"tx{stamp}", f"ev{stamp}", order.total, test=True)
        example = account.gateway.example(settings, wanted, now)
        if example is not None:
            break
    if example is None or example.answers:
        raise NotSent(f"Only {title} itself can call: make a test payment in its own back office.")
    _rehearse(account, settings, example, order)
    return Prepared(account.callback_url, example, order)


def _rehearse(account: GatewayAccount, settings: dict[str, object], example: Example, order: NewOrder) -> None:
    """`NotSent` where the test would not open its order, with what to do instead."""
    gateway = account.gateway
    verification = verify(gateway, example.request, settings, nobody)
    if verification.verdict is not Verdict.genuine:
        raise NotSent(f"With these settings it would not be genuine: {verification.detail}")
    message, *_ = gateway.interpret(example.request, settings, verification.evidence)
    if message.test is None and account.mode is Mode.live:
        raise NotSent(
            f"Callbacks of {gateway.title} don't say whether they are a test, so in live mode one would count as real. "
            "Add a second account in test mode and send the test from there."
        )
    if message.test is False:
        raise NotSent(
            f"With these settings every callback counts as one of the live system of {gateway.title}. "
            "Add a second account, set up for its test system, and send the test from there."
        )
    try:
        decide(OrderFacts(order.number, order.total, test=True), message, account.id, utcnow(), Settings())
    except CallbackFailed as failure:
        raise NotSent(f"It would not open its test order: {failure.detail or failure.reason}") from None


def make_order(account: GatewayAccount, prepared: Prepared) -> Order:
    """The test order, there before its callback comes; `NotSent` where there is one of the same second."""
    moved = moves.hand_in(prepared.order, account.shop)
    if moved.answer is not Answer.created:
        raise NotSent("A test was sent this very second. Try again.")
    return db.session.get_one(Order, moved.order_id)


def send(prepared: Prepared) -> Sent:
    """Posts it as the gateway would."""
    request = prepared.example.request
    url = prepared.url + (f"?{request.query.decode('latin-1')}" if request.query else "")
    place = prepared.url.split("/callbacks/")[0]
    headers = {**dict(request.headers), MARK: prepared.order.number}
    started = time.perf_counter()
    try:
        with requests.Session() as session:
            session.trust_env = False
            with session.request(
                request.method,
                url,
                headers=headers,
                data=request.body or None,
                timeout=TIMEOUT_S,
                allow_redirects=False,
                stream=True,
            ) as answer:
                status = answer.status_code
    except requests.exceptions.SSLError:
        return Sent(False, f"The certificate of {place} can't be verified from here: gateways will refuse it too.")
    except requests.exceptions.RequestException:
        return Sent(False, f"{place} could not be reached from here: check PUBLIC_URL and the proxy.")
    if not 200 <= status <= 299:
        return Sent(False, f"{place} answered {status}, so nothing was kept: check PUBLIC_URL and the proxy.")
    return Sent(True, f"answered {status} in {PLAIN.span(timedelta(seconds=time.perf_counter() - started))}")


def find(account: GatewayAccount, order: Order) -> int | None:
    """The callback as it arrived, known by its mark even where something on the way changed the rest."""
    return db.session.scalar(
        select(Callback.id)
        .join(KeptRequest, KeptRequest.of(Callback))
        .where(
            Callback.account_id == account.id,
            KeptRequest.received_at >= order.created_at - timedelta(minutes=1),
            KeptRequest.headers.contains([[order.number]]),
        )
        .order_by(Callback.received_at.desc(), Callback.id.desc())
        .limit(1)
    )


def record(account: GatewayAccount, order: Order, sent: Sent, user: User) -> tuple[int | None, str]:
    """Keeps who sent it and what was answered. The callback's id, None where it did not arrive here, and a sentence."""
    id_ = find(account, order)
    sentence = sent.sentence
    if id_ is None and sent.kept:
        sentence = f"It was {sentence}, but nothing arrived here: PUBLIC_URL leads to something else."
    Activity.record(TEST, user, shop_id=account.shop_id, callback_id=id_, order_id=order.id, what=sentence)
    return id_, sentence


def act_of(callback: Callback) -> Activity | None:
    """Who sent it as a test, and what was answered; None of any other callback."""
    return next((act for act in Activity.about(callback.id) if act.verb == TEST), None)
