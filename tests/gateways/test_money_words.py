"""The money model's words in gateways, where no vector shows them: what is told, and what is better not told."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from shopcallbacks.domain.values import Message, Money, Outcome, Request
from shopcallbacks.gateways import GATEWAYS
from shopcallbacks.gateways.settings import complete

from .samples import AT, ORDER, SAID, account, example, is_genuine, of_vector, vectors_of

LATER = (
    *(Outcome.disputed, Outcome.charged_back),
    *(Outcome.chargeback_reversed, Outcome.refund_failed),
)
TEN = datetime(2026, 5, 1, 10, tzinfo=UTC)


def said_of(gateway: str, event: dict[str, Any], **settings: Any) -> Message:
    """What the gateway's only message says of the JSON event."""
    settings = account(gateway) | settings
    request = Request("POST", "/", b"", (), json.dumps(event).encode(), "192.0.2.1", AT)
    (message,) = GATEWAYS[gateway].interpret(request, settings, {})
    return message


# All of them.


@pytest.mark.parametrize("name", list(GATEWAYS))
@pytest.mark.parametrize("outcome", LATER)
def test_an_example_says_the_new_words_too(name: str, outcome: Outcome) -> None:
    made = example(name, account(name), replace(SAID, outcome=outcome))
    if made is None:
        return
    verification, (said,) = made.heard()
    assert is_genuine((verification, (said,))), verification.detail
    assert said.outcome is outcome
    assert said.order_number == ORDER or said.transaction_id
    assert said.money is None or said.money.minor == 5990


WITH_AUTHORISED = [name for name, gateway in GATEWAYS.items() if "authorised" in {s.key for s in gateway.settings}]


@pytest.mark.parametrize("name", WITH_AUTHORISED)
def test_where_an_authorisation_counts_as_paid_what_is_let_go_had_been_taken(name: str) -> None:
    for sample in map(of_vector, vectors_of(name)):
        _, messages = sample.heard(authorised="paid")
        assert not any(message.uncaptured for message in messages)
        _, messages = sample.heard(authorised="pending")
        assert all(message.outcome is Outcome.cancelled for message in messages if message.uncaptured)


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("checkoutcom", {"type": "dispute_lost", "data": {"id": "dsp_1", "payment_id": "pay_1", "amount": "4,90"}}),
        ("paddle", {"event_type": "adjustment.created", "data": {"action": "chargeback", "status": "approved"}}),
        ("paystack", {"event": "charge.dispute.resolve", "data": {"id": 1, "resolution": "merchant-accepted"}}),
        ("razorpay", {"event": "payment.dispute.lost", "payload": {"dispute": {"entity": {"id": "disp_1"}}}}),
    ],
)
def test_a_chargeback_whose_sum_cannot_be_read_is_not_one_of_everything(name: str, event: dict[str, Any]) -> None:
    message = said_of(name, event)
    assert message.outcome is Outcome.unclear
    assert message.detail


# Disputes.


@pytest.mark.parametrize("name", ["generic_hmac", "standardwebhooks"])
@pytest.mark.parametrize("word", LATER)
def test_the_settings_can_name_the_new_words(name: str, word: Outcome) -> None:
    settings = {"fields": {"status": "/status", "event_id": "/id"}, "statuses": {"that": str(word)}}
    message = said_of(name, {"status": "that", "id": "ev_1"}, **settings)
    assert (message.outcome, message.money, message.movement) == (word, None, "ev_1")


def test_a_razorpay_dispute_of_which_nothing_was_deducted_yet_counts_in_full() -> None:
    dispute = {"id": "disp_1", "payment_id": "pay_1", "amount": 4900, "amount_deducted": 0, "currency": "INR"}
    message = said_of("razorpay", {"event": "payment.dispute.lost", "payload": {"dispute": {"entity": dispute}}})
    assert (message.outcome, message.money) == (Outcome.charged_back, Money(4900, "INR"))
    assert (message.transaction_id, message.movement) == ("pay_1", "disp_1")


def test_a_paystack_dispute_that_ended_in_another_way_is_for_a_person() -> None:
    data = {"id": 1, "resolution": "chargeback", "refund_amount": 4900, "currency": "NGN", "transaction": {"id": 2}}
    message = said_of("paystack", {"event": "charge.dispute.resolve", "data": data})
    assert (message.outcome, message.transaction_id) == (Outcome.unclear, "2")
    assert "'chargeback'" in message.detail


# Who bears the fee.


@pytest.mark.parametrize(
    ("payment", "minor"),
    [
        ({"amount": 51180, "fee": 1180, "tax": 180}, 50000),
        ({"amount": 51180, "fee": None}, 51180),
        ({"amount": 51180, "fee": "x"}, None),
    ],
    ids=["taken off", "none yet", "not a number"],
)
def test_razorpays_fee_is_taken_off_what_the_customer_paid(payment: dict[str, Any], minor: int | None) -> None:
    entity = payment | {"id": "pay_1", "currency": "INR"}
    event = {"event": "payment.captured", "payload": {"payment": {"entity": entity}}}
    message = said_of("razorpay", event, fee_bearer="customer")
    assert message.money == (None if minor is None else Money(minor, "INR"))
    assert message.outcome is (Outcome.unclear if minor is None else Outcome.paid)


@pytest.mark.parametrize("name", ["razorpay", "paystack"])
def test_the_shop_bears_the_fee_unless_it_is_set_otherwise(name: str) -> None:
    assert complete(GATEWAYS[name], {})["fee_bearer"] == "shop"


# Parts.


def test_a_part_that_cybersource_approved_without_saying_how_much_is_for_a_person() -> None:
    fields = {
        "decision": "ACCEPT",
        "reason_code": "110",
        "req_amount": "49.00",
        "req_currency": "USD",
        "req_transaction_type": "sale",
        "req_reference_number": ORDER,
    }
    fields["signed_field_names"] = ",".join(fields)
    body = "&".join(f"{name}={value}" for name, value in fields.items()).encode()
    request = Request("POST", "/", b"", (), body, "192.0.2.1", AT)
    (message,) = GATEWAYS["cybersource"].interpret(request, account("cybersource"), {})
    assert (message.outcome, message.money) == (Outcome.unclear, None)


# Klarna tells the state of an order.


def klarna(authorised: str, **order: Any) -> tuple[Message, ...]:
    order = {
        "order_id": "7f9c2c3e-1111-4222-8333-444455556666",
        "fraud_status": "ACCEPTED",
        "order_amount": 4900,
        "captured_amount": 4900,
        "purchase_currency": "EUR",
        "merchant_reference1": ORDER,
        "created_at": "2026-05-01T10:00:00.000Z",
    } | order
    request = Request("POST", "/", b"", (), b"", "192.0.2.1", AT)
    return GATEWAYS["klarna"].interpret(request, account("klarna") | {"authorised": authorised}, {"order": order})


def test_klarnas_captures_and_refunds_happened_when_the_latest_did() -> None:
    captures = [{"captured_at": "2026-05-01T10:00:00Z"}, {"captured_at": "2026-04-01T10:00:00Z"}, {}, None]
    refunds = [{"refunded_at": "2026-05-01T10:00:00Z"}, {"refunded_at": "tomorrow"}]
    paid, refunded = klarna("pending", status="CAPTURED", refunded_amount=100, captures=captures, refunds=refunds)
    assert (paid.at, refunded.at) == (TEN, TEN)
    _, nothing = klarna("pending", status="CAPTURED", refunded_amount=0, captures=captures, refunds=refunds)
    assert (nothing.money, nothing.total, nothing.at) == (Money(0, "EUR"), True, None)


def test_klarna_does_not_tell_of_refunds_where_the_field_is_missing_or_nothing_is_captured() -> None:
    for told in ({"status": "CAPTURED"}, {"status": "AUTHORIZED", "captured_amount": 0, "refunded_amount": 0}):
        assert [message.outcome for message in klarna("paid", **told)] == [Outcome.paid]


def test_the_rest_of_a_klarna_order_whose_authorisation_counts_was_taken_and_is_for_a_person() -> None:
    told = klarna("paid", status="CANCELLED", captured_amount=2000, refunded_amount=500)
    assert [message.outcome for message in told] == [Outcome.paid, Outcome.refunded, Outcome.cancelled]
    assert [message.money for message in told] == [Money(4900, "EUR"), Money(500, "EUR"), Money(4900, "EUR")]
    assert not any(message.uncaptured for message in told)


def test_what_klarna_captured_is_not_told_of_as_paid_where_its_sum_cannot_be_read() -> None:
    told = klarna("pending", status="CAPTURED", captured_amount="4900", refunded_amount=0)
    assert [message.outcome for message in told] == [Outcome.unclear]


# When it happened.


@pytest.mark.parametrize(
    ("payment", "at"),
    [
        ({"status": "reversed", "refund_date_last": 1777629600000, "end_date": 1}, TEN),
        ({"status": "reversed", "end_date": 1777629600000, "create_date": 1}, TEN),
        ({"status": "success", "create_date": 1777629600000, "refund_date_last": 1}, TEN),
        ({"status": "success", "end_date": "soon"}, None),
    ],
)
def test_liqpays_moments(payment: dict[str, Any], at: datetime | None) -> None:
    body = urlencode({"data": base64.b64encode(json.dumps(payment).encode())}).encode()
    request = Request("POST", "/", b"", (), body, "192.0.2.1", AT)
    (message,) = GATEWAYS["liqpay"].interpret(request, account("liqpay"), {})
    assert message.at == at


@pytest.mark.parametrize("created_at", ["2026-05-01T10:00:00", "2026-05-01", 1777629600, "soon"])
def test_a_moment_that_cannot_be_read_is_none_and_the_message_stands(created_at: Any) -> None:
    event = {"type": "payment_captured", "created_on": created_at, "timestamp": "2026-05-01T10:00:00Z"}
    message = said_of("checkoutcom", event | {"data": {"id": "pay_1", "amount": 4900, "currency": "EUR"}})
    assert (message.outcome, message.at) == (Outcome.paid, None)
