"""What no single request can show: what the second one does, on a real database."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.errors import Reason
from shopcallbacks.domain.states import Effect, Entry, OrderState, State
from shopcallbacks.domain.values import Answer, Ask, Message, Money, NoAnswer, Outcome, Request
from shopcallbacks.orders.order import Order
from shopcallbacks.shops.accounts import GatewayAccount

from ..factories import make_account, make_callback, make_order, make_shop, process, request_for
from .samples import SAID, account, of_vector, vectors_of
from .vectors import Vector

pytestmark = pytest.mark.usefixtures("app")

Asks = Callable[[Callable[[Ask], Answer | NoAnswer]], None]


@pytest.fixture
def asks(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Asks:
    """Who is asked from here on."""
    return lambda ask: monkeypatch.setitem(app.extensions, "ask", ask)


def vector(gateway: str, name: str) -> Vector:
    return next(vector for vector in vectors_of(gateway) if vector["name"] == name)


def account_of(vector: Vector) -> GatewayAccount:
    return make_account(gateway=vector["gateway"], **vector["config"])


def order_of(account: GatewayAccount, vector: Vector) -> Order:
    expect = vector["expect"]
    return make_order(account.shop, expect["order_number"], expect["amount_minor"], expect["currency"])


def booked(order: Order, entry: Entry = Entry.payment) -> list[int]:
    return [row.minor for row in order.ledger if row.entry is entry]


# The same delivery, the same event, with another body.


def test_a_paypal_transmission_with_another_body_of_the_same_checksum_is_not_genuine(asks: Asks) -> None:
    captured = vector("paypal", "captured")
    sample, account = of_vector(captured), account_of(captured)
    order = order_of(account, captured)
    stolen = make_order(account.shop, "251125671253-9999", order.total.minor)
    asks(sample.ask)
    forged = sample.request.body.replace(order.number.encode(), stolen.number.encode())
    request = replace(sample.request, body=with_checksum(forged, zlib.crc32(sample.request.body)))
    assert sample.heard(request)[0].verdict == "genuine"  # alone it can't be told from PayPal's own
    callbacks = []
    for one in (sample.request, request, sample.request):
        callbacks.append(make_callback(account, one))
        process()
    first, second, again = callbacks
    assert (first.state, order.state) == (State.processed, OrderState.open)
    assert (second.reason, stolen.state) == (Reason.not_genuine, OrderState.temporary)
    assert f"came before with another body (callback {first.id})" in second.detail
    assert (again.state, again.effect) == (State.processed, Effect.repeated)


def with_checksum(body: bytes, wanted: int) -> bytes:
    """The JSON object with a field more, whose letters give the whole the wanted CRC-32: 48 of them, each A or C."""

    def filled(letters: int) -> bytes:
        text = "".join("C" if letters >> at & 1 else "A" for at in range(48))
        return body[:-1] + b',"note":"' + text.encode() + b'"}'

    base = zlib.crc32(filled(0))
    basis: dict[int, tuple[int, int]] = {}  # by its highest bit: a change of the CRC, and the letters that make it
    for letter in range(48):
        change, letters = zlib.crc32(filled(1 << letter)) ^ base, 1 << letter
        while change and change.bit_length() in basis:
            other, others = basis[change.bit_length()]
            change, letters = change ^ other, letters ^ others
        if change:
            basis[change.bit_length()] = (change, letters)
    missing, chosen = wanted ^ base, 0
    while missing:
        change, letters = basis[missing.bit_length()]
        missing, chosen = missing ^ change, chosen ^ letters
    return filled(chosen)


WITH_EVENTS = "checkoutcom coinbase_commerce gocardless paddle razorpay square standardwebhooks stripe".split()


@pytest.mark.parametrize("gateway", WITH_EVENTS)
def test_the_same_event_that_says_something_else_is_kept_as_suspicious(gateway: str) -> None:
    owner = make_account(gateway=gateway, **account(gateway, asking=False))
    order, other = make_order(owner.shop), make_order(owner.shop)
    said = replace(SAID, event_id="EV123", test=False)
    first = make_callback(owner, replace(said, order_number=order.number, transaction_id="PM1"))
    second = make_callback(owner, replace(said, order_number=other.number, transaction_id="PM2"))
    process()
    assert (first.state, order.state) == (State.processed, OrderState.open)
    assert (second.state, second.reason, other.state) == (State.unprocessed, Reason.unclear, OrderState.temporary)
    assert second.detail.startswith("Suspicious: the event EV123 came before and said something else")


# One movement of money, however many events tell of it.


@pytest.mark.parametrize(
    ("gateway", "names"),
    [
        ("stripe", ("checkout-paid", "intent-same-payment", "charge-of-intent", "checkout-paid-again")),
        ("stripe", ("charge-of-intent", "intent-same-payment", "checkout-paid-again", "checkout-paid")),
        ("paypal", ("captured", "order-completed-same-payment", "captured-resent")),
        ("paypal", ("order-completed-same-payment", "captured-resent", "captured")),
        ("square", ("completed", "completed-updated", "completed-retried")),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_all_events_of_one_payment_book_it_once(gateway: str, names: tuple[str, ...], asks: Asks) -> None:
    vectors = [vector(gateway, name) for name in names]
    owner = account_of(vectors[0])
    order = order_of(owner, vector(gateway, {"stripe": "checkout-paid", "paypal": "captured"}.get(gateway, names[0])))
    samples = [of_vector(one) for one in vectors]
    answers = {key: answer for sample in samples for key, answer in sample.answers.items()}
    asks(replace(samples[0], answers=answers).ask)
    for sample in samples:
        callback = make_callback(owner, sample.request)
        process()
        assert callback.state is State.processed, callback.detail
    assert booked(order) == [order.total.minor]
    assert order.state is OrderState.open


def test_a_refund_that_square_updates_twice_is_booked_once() -> None:
    owner = make_account(gateway="square", **account("square"))
    order = make_order(owner.shop)
    make_callback(owner, replace(SAID, order_number=order.number))
    process()
    said = replace(SAID, outcome=Outcome.refunded, money=Money(1000, "EUR"), order_number=None, event_id="ev_refund")
    refund = request_for(owner, said)
    told = make_callback(owner, refund)
    updated = make_callback(owner, square_event(refund, account("square"), event_id="ev_updated"))
    process()
    assert (told.state, updated.state) == (State.processed, State.processed)
    assert (told.effect, updated.effect) == (Effect.partly_refunded, Effect.repeated)
    assert booked(order, Entry.refund) == [1000]


def square_event(request: Request, settings: Mapping[str, Any], **changes: Any) -> Request:
    body = json.dumps(json.loads(request.body) | changes).encode()
    signed = settings["notification_url"].encode() + body
    signature = base64.b64encode(hmac.new(settings["signature_keys"][0].encode(), signed, hashlib.sha256).digest())
    return replace(request, body=body, headers=(("x-square-hmacsha256-signature", signature.decode()),))


# The same request, another day.


class Answers:
    """A gateway that knows one payment, whose state changes from day to day."""

    def __init__(self, **state: Any) -> None:
        self.state = state

    def __call__(self, question: Ask) -> Answer:
        return Answer(200, json.dumps(self.state).encode())


def eur(amount: str) -> dict[str, str]:
    return {"value": amount, "currency": "EUR"}


def test_mollies_same_request_means_something_else_each_day(asks: Asks) -> None:
    owner = make_account(gateway="mollie", api_keys=["live_1"], order_field="metadata.order_id")
    order = make_order(owner.shop)
    mollie = Answers(id="tr_1234", mode="live", status="open", amount=eur("59.90"), metadata={"order_id": order.number})
    asks(mollie)
    days: list[tuple[dict[str, Any], Effect]] = [
        ({}, Effect.awaiting),
        ({"status": "paid"}, Effect.opened),
        ({}, Effect.repeated),
        ({"amountRefunded": eur("10.00")}, Effect.partly_refunded),
        ({"amountRefunded": eur("10.00")}, Effect.repeated),
        ({"amountRefunded": eur("25.00")}, Effect.partly_refunded),
        ({"amountRefunded": eur("59.90")}, Effect.refunded),
    ]
    for change, effect in days:
        mollie.state |= change
        callback = make_callback(owner, Request("POST", "/", b"", (), b"id=tr_1234", "192.0.2.1", utcnow()))
        process()
        assert (callback.state, callback.messages[-1].effect) == (State.processed, effect)
    assert booked(order) == [5990]
    assert booked(order, Entry.refund) == [1000, 1500, 3490]
    assert order.state is OrderState.refunded


def test_klarnas_sum_refunded_so_far_books_the_difference(asks: Asks) -> None:
    owner = make_account(gateway="klarna", **account("klarna"))
    order = make_order(owner.shop)
    id_ = "7f9c2c3e-1111-4222-8333-444455556666"
    klarna = Answers(
        order_id=id_,
        status="CAPTURED",
        fraud_status="ACCEPTED",
        order_amount=5990,
        captured_amount=5990,
        refunded_amount=0,
        purchase_currency="EUR",
        merchant_reference1=order.number,
    )
    asks(klarna)
    parameter = owner.settings_at(utcnow())[0]["id_parameter"]
    for refunded in (0, 1000, 1000, 2500):
        klarna.state["refunded_amount"] = refunded
        query = f"{parameter}={id_}".encode()
        make_callback(owner, Request("POST", "/", query, (), b"", "192.0.2.1", utcnow()))
        process()
    assert booked(order) == [5990]
    assert booked(order, Entry.refund) == [1000, 1500]
    assert order.state is OrderState.open


WORLDPAYS_PARTS = [
    ("xml-captured-part", Effect.part_paid, [1000]),
    ("xml-captured-part-again", Effect.repeated, [1000]),
    ("xml-captured-rest", Effect.opened, [1000, 1400]),
    ("xml-captured-part", Effect.repeated, [1000, 1400]),
    ("xml-settled-part", Effect.none, [1000, 1400]),
]


def test_worldpays_captured_parts_add_up_and_each_counts_once() -> None:
    owner = account_of(vector("worldpay", "xml-captured-part"))
    order = make_order(owner.shop, vector("worldpay", "xml-captured-part")["expect"]["order_number"], 2400, "GBP")
    for name, effect, sums in WORLDPAYS_PARTS:
        callback = make_callback(owner, of_vector(vector("worldpay", name)).request)
        process()
        assert (callback.state, callback.messages[0].effect) == (State.processed, effect)
        assert booked(order) == sums
    assert order.state is OrderState.open


# Several messages in one request.


def test_a_batch_is_processed_when_all_of_it_is_and_looking_again_repeats_only_the_rest() -> None:
    owner = make_account(gateway="gocardless", webhook_secrets=["secret"], order_key="order_number")
    shop = owner.shop
    order = make_order(shop)
    request = gocardless_delivery("secret", confirmed("EV1", "PM1", order.number), confirmed("EV2", "PM2", "late-1"))
    callback = make_callback(owner, request)
    process()
    assert (callback.state, callback.reason) == (State.unprocessed, Reason.order_not_found)
    assert [message.effect for message in callback.messages] == [Effect.opened, None]
    assert (order.state, booked(order)) == (OrderState.open, [5990])
    applied_at = callback.messages[0].applied_at

    late = make_order(shop, "late-1")
    process()
    assert callback.state is State.processed
    assert [message.effect for message in callback.messages] == [Effect.opened, Effect.opened]
    assert callback.messages[0].applied_at == applied_at
    assert (booked(order), booked(late)) == ([5990], [5990])
    assert [event.kind for event in order.events] == ["created", "opened"]

    again = make_callback(owner, request)
    process()
    assert (again.state, booked(order), booked(late)) == (State.processed, [5990], [5990])


def confirmed(event: str, payment: str, order: str) -> dict[str, Any]:
    return {
        "id": event,
        "resource_type": "payments",
        "action": "confirmed",
        "links": {"payment": payment},
        "resource_metadata": {"order_number": order},
    }


def gocardless_delivery(secret: str, *events: dict[str, Any]) -> Request:
    body = json.dumps({"events": events, "meta": {"webhook_id": "WB1"}}).encode()
    headers = (("Webhook-Signature", hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()),)
    return Request("POST", "/", b"", headers, body, "192.0.2.1", utcnow())


def test_a_batch_in_which_one_message_is_another_shops_leaves_that_order_alone() -> None:
    owner = make_account(gateway="gocardless", webhook_secrets=["secret"], order_key="order_number")
    order, foreign = make_order(owner.shop), make_order(make_shop(), "foreign-1")
    events = (confirmed("EV1", "PM1", foreign.number), confirmed("EV2", "PM2", order.number))
    callback = make_callback(owner, gocardless_delivery("secret", *events))
    process()
    assert (callback.state, callback.reason) == (State.unprocessed, Reason.order_not_found)
    assert (order.state, foreign.state) == (OrderState.open, OrderState.temporary)


# Texts and sums at the edge of what can be kept.


@pytest.mark.parametrize(
    "said",
    [
        replace(SAID, order_number="9" * 5000, transaction_id="8" * 5000, event_id="7" * 5000),
        replace(SAID, money=Money(10**14, "EUR")),
        replace(SAID, order_number="\U0001f600" * 700),
    ],
    ids=["long texts", "a large sum", "letters of four bytes"],
)
def test_what_no_order_can_hold_is_kept_and_for_a_person(said: Message) -> None:
    owner = make_account()
    callback: Callback = make_callback(owner, said)
    process()
    assert (callback.state, callback.reason) == (State.unprocessed, Reason.order_not_found), callback.attempts[0].error
