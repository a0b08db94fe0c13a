"""What single gateways say of money, where no vector shows it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from shopcallbacks.domain.values import Message, Money, Outcome, Request
from shopcallbacks.gateways import GATEWAYS
from shopcallbacks.gateways.base import Kind, Setting
from shopcallbacks.gateways.settings import BadSettings, check, check_one

from .samples import AT, Sample, account, of_vector, vectors_of

EUR = "EUR"


def told(name: str, body: dict[str, Any], evidence: dict[str, Any] | None = None, **settings: Any) -> list[Message]:
    """What the gateway reads in the body, a form for PayPal IPN, else JSON."""
    data = urlencode(body) if name == "paypal_ipn" else json.dumps(body)
    request = Request("POST", "/", b"", (), data.encode(), "192.0.2.1", AT)
    return list(GATEWAYS[name].interpret(request, account(name) | settings, evidence or {}))


def vector_of(name: str, called: str) -> Sample:
    return next(of_vector(vector) for vector in vectors_of(name) if vector["name"] == called)


def words(messages: list[Message]) -> list[tuple[str, int | None]]:
    return [(str(message.outcome), message.money.minor if message.money else None) for message in messages]


# Stripe


def stripe(kind: str, thing: dict[str, Any], authorised: str = "pending", **event: Any) -> Message:
    data = {"object": thing, "previous_attributes": event.pop("before", {})}
    (message,) = told("stripe", {"id": "evt_1", "type": kind, "data": data, **event}, authorised=authorised)
    return message


CHARGE = {
    "object": "charge",
    "id": "ch_1",
    "currency": "eur",
    "amount": 5000,
    "amount_captured": 3500,
    "captured": True,
}


@pytest.mark.parametrize(
    ("total", "before", "version", "authorised", "minor"),
    [
        (2000, 0, None, "pending", 500),  # the rest of 15.00 let go, and 5.00 given back, in one
        (2000, 1500, "2024-06-20", "pending", 500),
        (2000, 1000, "2024-06-20", "pending", 500),
        (1500, 0, "2024-06-20", "pending", None),
        (1500, 0, "2024-06-20", "paid", 1500),
        (1500, 0, "2025-03-31.basil", "pending", 1500),
    ],
)
def test_stripes_rest_that_was_never_captured(
    total: int, before: int, version: str | None, authorised: str, minor: int | None
) -> None:
    charge = {**CHARGE, "amount_refunded": total}
    message = stripe(
        "charge.refunded", charge, authorised, before={"amount_refunded": before}, api_version=version, created=1
    )
    assert message.outcome is (Outcome.refunded if minor else Outcome.ignored)
    assert (message.money.minor if message.money else None) == minor


def test_stripes_disputes() -> None:
    dispute = {"object": "dispute", "id": "du_1", "charge": "ch_1", "amount": 500, "currency": "eur"}
    opened = stripe("charge.dispute.created", {**dispute, "evidence_details": {"due_by": 0}})
    assert (opened.outcome, opened.transaction_id, opened.answer_by) == (Outcome.disputed, "ch_1", None)
    withdrawn = stripe("charge.dispute.funds_withdrawn", dispute)
    assert (withdrawn.outcome, withdrawn.transaction_id) == (Outcome.ignored, "ch_1")
    assert stripe("charge.dispute.updated", {**dispute, "status": "under_review"}).outcome is Outcome.ignored
    assert stripe("charge.dispute.closed", {**dispute, "status": "prevented"}).outcome is Outcome.unclear


def test_stripes_expired_session_lets_nothing_go() -> None:
    assert not stripe("checkout.session.expired", {"object": "checkout.session", "id": "cs_1"}).uncaptured
    assert stripe("charge.expired", {**CHARGE, "captured": False}).uncaptured
    assert not stripe("charge.expired", {**CHARGE, "captured": False}, "paid").uncaptured


# Mollie


def eur(amount: str) -> dict[str, str]:
    return {"value": amount, "currency": EUR}


def mollie(authorised: str = "paid", **payment: Any) -> list[Message]:
    state = {"id": "tr_1234", "status": "paid", "amount": eur("49.00"), "paidAt": "2026-05-01T12:00:00+02:00"} | payment
    return told("mollie", {}, {"answer": state}, authorised=authorised)


def test_mollies_sum_that_cant_be_read_is_for_a_person_and_the_payment_is_told() -> None:
    for sum_ in (eur("-5.00"), eur("1,00"), {"value": 5, "currency": EUR}, [], "5.00"):
        assert words(mollie(amountRefunded=sum_)) == [("paid", 4900), ("unclear", None)]
    assert words(mollie(amountRefunded=None)) == [("paid", 4900)]
    assert words(mollie(amount=5, amountRefunded=eur("5.00"))) == [("unclear", None)]


def test_mollies_capture_of_what_had_counted_is_the_same_money() -> None:
    (counted,) = mollie(amountCaptured=eur("20.00"))
    (waited,) = mollie("pending", amountCaptured=eur("20.00"))
    (all_of_it,) = mollie("pending", amountCaptured=eur("49.00"))
    assert (counted.movement, all_of_it.movement) == (None, None)
    assert waited.movement
    assert waited.at is None
    assert mollie()[0].at == datetime(2026, 5, 1, 10, tzinfo=UTC)


def test_mollies_failed_refund_is_told_where_no_sum_has_fallen() -> None:
    entity = {"id": "re_1", "paymentId": "tr_1234", "amount": eur("5.00")}
    event = {"id": "event_1", "type": "refund.canceled", "_embedded": {"entity": entity}}
    request = Request("POST", "/", b"", (("X-Mollie-Signature", "-"),), json.dumps(event).encode(), "192.0.2.1", AT)
    state: dict[str, Any] = {"id": "tr_1234", "status": "paid", "amount": eur("49.00")}
    gateway, settings = GATEWAYS["mollie"], account("mollie")
    paid, failed = gateway.interpret(request, settings, {"answer": state})
    assert (paid.outcome, failed.outcome, failed.money) == (Outcome.paid, Outcome.refund_failed, Money(500, EUR))
    assert failed.movement == "re_1"
    paid, refunded = gateway.interpret(request, settings, {"answer": state | {"amountRefunded": eur("0.00")}})
    assert (refunded.outcome, refunded.total) == (Outcome.refunded, True)


# Adyen


def adyen(code: str, **item: Any) -> list[Message]:
    item = {
        "eventCode": code,
        "success": "true",
        "pspReference": "OWN",
        "originalReference": "PAYMENT",
        "amount": {"value": 2500, "currency": EUR},
    } | item
    return told("adyen", {"live": "true", "notificationItems": [{"NotificationRequestItem": item}]})


def test_adyens_second_chargeback_has_one_name_whatever_tells_it() -> None:
    codes = ("SECOND_CHARGEBACK", "PREARBITRATION_LOST", "PREARBITRATION_WON", "CHARGEBACK", "CHARGEBACK_REVERSED")
    *second, first, reversed_ = (adyen(code)[0].movement for code in codes)
    assert len(set(second)) == 1
    assert first == reversed_ == "OWN" != second[0]


@pytest.mark.parametrize(
    "parts",
    [
        {"1": ("A", "EUR 20.00")},
        {"1": ("A", "EUR 20.00"), "2": ("A", "EUR 5.00")},
        {"1": ("A", "EUR 20.00"), "2": ("B", "USD 5.00")},
        {"1": ("A", "EUR 30.00"), "2": ("B", "EUR -5.00")},
        {"1": ("A", "EUR 25.00"), "2": ("B", None)},
        {"1": (None, "EUR 20.00"), "2": ("B", "EUR 5.00")},
    ],
)
def test_adyens_parts_that_do_not_add_up(parts: dict[str, tuple[str | None, str | None]]) -> None:
    details = {}
    for number, (payment, amount) in parts.items():
        details |= {f"order-{number}-pspReference": payment, f"order-{number}-paymentAmount": amount}
    assert words(adyen("ORDER_CLOSED", additionalData=details)) == [("unclear", 2500)]


# Square


def test_square_names_a_dispute_of_either_shape() -> None:
    dispute = {"id": "D1", "state": "LOST", "amount_money": {"amount": 500, "currency": EUR}}
    dispute |= {"disputed_payment": {"payment_id": "P1"}, "updated_at": "2026-05-01T10:00:00Z"}
    for key in ("dispute", "object"):
        event = {"merchant_id": "M", "type": "dispute.state.changed", "data": {"object": {key: dispute}}}
        (message,) = told("square", event)
        assert (message.outcome, message.transaction_id) == (Outcome.charged_back, "P1")
        assert (message.movement, message.at) == ("D1", datetime(2026, 5, 1, 10, tzinfo=UTC))
    (message,) = told("square", {"merchant_id": "M", "type": "dispute.created"})
    assert message.outcome is Outcome.unclear


# Klarna


@pytest.mark.parametrize("name", ["kustom", "kustom-playground"])
def test_kustoms_hosts_can_be_chosen_and_its_playground_is_a_test(name: str) -> None:
    sample = vector_of("klarna", name)
    assert check(sample.gateway, dict(sample.settings)) == sample.settings
    _, (message,) = sample.heard()
    assert message.test is (name == "kustom-playground")


# PayTR


def test_a_callback_id_of_paytrs_at_an_account_without_the_link_api_names_the_setting() -> None:
    heard = {name: vector_of("paytr", name).heard()[0].detail for name in ("link-api-not-set", "order-cut-shorter")}
    assert all(detail and "Link API" in detail and "API of the shop" in detail for detail in heard.values())


# LiqPay and Authorize.Net SIM


@pytest.mark.parametrize(
    ("name", "vector", "said"),
    [
        ("liqpay", "legacy-order-cut-shorter", "The type"),
        ("liqpay", "legacy-phone-in-transaction", "The transaction_id"),
        ("liqpay", "legacy-phone-cut-shorter", "The sender_phone"),
        ("authorizenet_sim", "caret-cuts-anew", "x_trans_id"),
        ("authorizenet_sim", "caret-in-the-order", "x_invoice_num"),
    ],
)
def test_what_could_be_cut_in_another_way_is_named(name: str, vector: str, said: str) -> None:
    assert said in (vector_of(name, vector).heard()[0].detail or "")


# PayPal


def test_paypals_dispute_that_ends_in_a_way_not_known_is_unclear() -> None:
    event = {"event_type": "CUSTOMER.DISPUTE.RESOLVED", "resource": {"dispute_id": "D", "dispute_outcome": {}}}
    assert told("paypal", event)[0].outcome is Outcome.unclear


@pytest.mark.parametrize(
    ("written", "hour"),
    [
        ("10:00:00 May 01, 2026 PDT", 17),
        ("10:00:00 May 1, 2026 PST", 18),
        ("10:00:00 May 01, 2026 UTC", None),
        ("10:00:00 Mai 01, 2026 PDT", None),
        ("10:00:00 May 01, 2026", None),
        ("", None),
    ],
)
def test_paypals_time_is_californias(written: str, hour: int | None) -> None:
    fields = {"payment_status": "Completed", "mc_gross": "1.00", "mc_currency": EUR, "payment_date": written}
    (message,) = told("paypal_ipn", fields)
    assert message.at == (hour and datetime(2026, 5, 1, hour, tzinfo=UTC))
    (failed,) = told("paypal_ipn", fields | {"payment_status": "Failed"})
    assert failed.at is None


def test_an_authorisation_of_paypals_does_not_carry_itself_on() -> None:
    fields = {"payment_status": "Pending", "mc_gross": "1.00", "mc_currency": EUR, "txn_id": "A", "auth_id": "A"}
    assert told("paypal_ipn", fields)[0].carries_on is None


# Authorize.Net


@pytest.mark.parametrize("status", ["declined", "settlementError", "underReview", "expired"])
def test_what_became_of_a_refund_is_not_what_became_of_the_payment(status: str) -> None:
    payload = {"entityName": "transaction", "id": "2", "responseCode": 1, "authAmount": 5}
    event = {"eventType": "net.authorize.payment.refund.created", "payload": payload}
    transaction = {"transId": "2", "transactionType": "refundTransaction", "transactionStatus": status}
    (message,) = told("authorizenet", event, {"transaction": transaction | {"refTransId": "1"}})
    assert (message.outcome, message.transaction_id) == (Outcome.ignored, "1")


# Standard Webhooks


def test_an_account_of_standard_webhooks_needs_a_secret_or_a_public_key() -> None:
    gateway, given = GATEWAYS["standardwebhooks"], account("standardwebhooks")
    key = {"public_keys": ["whpk_" + "A" * 43 + "="]}
    for fits in ({"secrets": ["whsec_c2VjcmV0IG9mIHRoZSB0ZXN0"]}, {"secrets": None} | key):
        assert check(gateway, given | fits)
    with pytest.raises(BadSettings, match="a public key is needed"):
        check(gateway, given | {"secrets": None, "public_keys": []})


# Secrets of several parts


@pytest.mark.parametrize(
    ("name", "fits", "wrong"),
    [
        ("paytr", ["key", "salt"], [["", ""], ["key", ""], ["key"], [1, 2], [["key"], "salt"], "key salt"]),
        (
            "braintree",
            {"public_key": "public", "private_key": "private"},
            [{"private_key": 2}, {"public_key": "public", "private_key": ""}, {"public_key": 1, "private_key": 2}, []],
        ),
    ],
)
def test_a_secret_of_several_parts_needs_a_text_for_each(name: str, fits: Any, wrong: list[Any]) -> None:
    gateway, given = GATEWAYS[name], account(name)
    assert check(gateway, given | {"keys": [fits, fits]})["keys"] == [fits, fits]
    for one in wrong:
        with pytest.raises(BadSettings) as raised:
            check(gateway, given | {"keys": [fits, one]})
        assert raised.value.problems["keys"].startswith("must hold ")


def test_where_one_secret_has_several_parts_each_needs_a_text_too() -> None:
    pair = Setting("login", "Login", Kind.secret, parts=("name", "word"))
    check_one(pair, ["name", "word"])
    for one in (["", ""], ["name", 2]):
        with pytest.raises(BadSettings, match="must hold name, word"):
            check_one(pair, one)
