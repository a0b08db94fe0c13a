"""Makes vectors/paddle.json from Paddle's documented rules, without the gateway's code.

    python -m tests.gateways.make_paddle

Rules and how sure they are: docs/adding-a-gateway.md.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from .vectors import OWN, Vector

NOW = 1_763_850_000
KEY, OTHER_KEY = "pdl_ntfset_01kaq0example_T3mEXAMPLEkeyONE", "pdl_ntfset_01kaq0example_T3mEXAMPLEkeyTWO"
CONFIG = {"secret_keys": [KEY], "tolerance_s": 300, "order_key": "order_number"}
# From the test of Paddle's own Python package: three keys of which the last one fits.
PUBLISHED_KEYS = [
    "pdl_ntf_01hbpjmytsa32fhr36nqgc3kgb_TjIG2BXbm83HPXqNfziwe506sBEdqL/4",
    "pdl_ntf_01hbpjmytsa32fhr36nqgc3kgb_vB/yIOnTOCWIvpBadM5jzBZPHc7OmdSo",
    "pdl_ntf_01hbpjmytsa32fhr36nqgc3kgb_WvRO0eL4Bj9rgYYIBZY6wZhG4EHy9jzh",
]
PUBLISHED = "ts=1696195954;h1=dummy;h1=d96299976a6eb066f484d7fde011ac56fc32b38fc9940bc419d6e537fdc6ef02"

NOTHING = dict.fromkeys("outcome order_number transaction_id event_id amount amount_minor currency test".split())


def sign(body: bytes, key: str = KEY, time: int | str = NOW) -> str:
    return hmac.new(key.encode(), str(time).encode() + b":" + body, hashlib.sha256).hexdigest()


def event(kind: str, data: dict[str, Any]) -> bytes:
    return json.dumps(
        {
            "event_id": "evt_01hv8x2axb8xfkr4k3gzhj3gvz",
            "event_type": kind,
            "occurred_at": "2025-11-22T22:19:58.000000Z",
            "notification_id": "ntf_01hv8x2az4g9q4w2nq4pn0xhmz",
            "data": data,
        },
        ensure_ascii=False,
    ).encode()


def transaction(kind: str, total: str | None = "5990", currency: str = "EUR", **more: Any) -> bytes:
    totals = {"subtotal": "5034", "tax": "956", "total": total, "grand_total": total, "currency_code": currency}
    data = {
        "id": "txn_01hv8wptq8987qeep44cyrewp9",
        "status": kind.removeprefix("transaction."),
        "custom_data": {"order_number": "251122-1"},
        "currency_code": currency,
        "details": {"totals": totals},
    }
    return event(kind, data | more)


def adjustment(kind: str, action: str, status: str, total: str = "1000") -> bytes:
    totals = {"subtotal": "840", "tax": "160", "total": total, "currency_code": "EUR"}
    data = {"id": "adj_01hvgf2s84dr6reszzg29zbvcm", "action": action, "status": status, "totals": totals}
    return event(kind, data | {"transaction_id": "txn_01hv8wptq8987qeep44cyrewp9", "currency_code": "EUR"})


def vector(
    name: str, why: str, body: bytes, verification: str = "genuine", *, header: str | None = "", **said: Any
) -> Vector:
    """`header`: the signature, made here unless given; None: none is sent. `said`: what is expected."""
    config, now = CONFIG | said.pop("config", {}), said.pop("now", NOW)
    signature = f"ts={NOW};h1={sign(body)}" if header == "" else header
    headers = [["Content-Type", "application/json"]] + ([["Paddle-Signature", signature]] if signature else [])
    expect = NOTHING | {"verified": verification == "genuine", "verification": verification} | said
    expect |= {"reply_status": "2xx" if expect["verified"] else None, "reply_body": None}
    return {
        "gateway": "paddle",
        "name": name,
        "why": why,
        "config": config,
        "request": {
            "method": "POST",
            "path": "/callbacks/paddle/shop10",
            "query": "",
            "headers": headers,
            "body_base64": base64.b64encode(body).decode(),
        },
        "now": now,
        "expect": expect,
    }


def vectors() -> list[Vector]:
    of: dict[str, Any] = {
        "transaction_id": "txn_01hv8wptq8987qeep44cyrewp9",
        "event_id": "evt_01hv8x2axb8xfkr4k3gzhj3gvz",
    }
    order: dict[str, Any] = of | {"order_number": "251122-1"}
    sum_: dict[str, Any] = order | {"amount": "59.90", "amount_minor": 5990, "currency": "EUR"}
    back: dict[str, Any] = of | {"amount": "10.00", "amount_minor": 1000, "currency": "EUR"}
    completed = transaction("transaction.completed")
    signed = sign(completed)
    return [
        vector("completed", "The plain case.", completed, outcome="paid", **sum_),
        vector(
            "paid",
            "Comes before completed, for the same payment.",
            transaction("transaction.paid"),
            outcome="paid",
            **sum_,
        ),
        vector("failed", "One attempt.", transaction("transaction.payment_failed"), outcome="failed", **sum_),
        vector("canceled", "Cancelled.", transaction("transaction.canceled"), outcome="cancelled", **sum_),
        vector("billed", "An invoice is to be paid.", transaction("transaction.billed"), outcome="pending", **sum_),
        vector("past-due", "Still to be paid.", transaction("transaction.past_due"), outcome="pending", **sum_),
        vector("created", "Nothing has happened yet.", transaction("transaction.created"), outcome="ignored", **sum_),
        vector(
            "refunded",
            "Most refunds wait for approval; this one is approved and tells its own sum.",
            adjustment("adjustment.updated", "refund", "approved"),
            outcome="refunded",
            **back,
        ),
        vector(
            "refund-waits",
            "A refund on its way moves no money.",
            adjustment("adjustment.created", "refund", "pending_approval"),
            outcome="ignored",
            **back,
        ),
        vector(
            "refund-rejected",
            "A refused refund moves no money.",
            adjustment("adjustment.updated", "refund", "rejected"),
            outcome="ignored",
            **back,
        ),
        vector(
            "chargeback",
            "Created as approved.",
            adjustment("adjustment.created", "chargeback", "approved"),
            outcome="charged_back",
            **back,
        ),
        vector(
            "chargeback-reversed",
            "The money is back.",
            adjustment("adjustment.created", "chargeback_reverse", "approved"),
            outcome="chargeback_reversed",
            **back,
        ),
        vector(
            "credit",
            "A credit for later moves no money now.",
            adjustment("adjustment.created", "credit", "approved"),
            outcome="ignored",
            **back,
        ),
        vector(
            "zero-decimal",
            "Sums are whole units of the lowest denomination.",
            transaction("transaction.completed", "1500", "JPY"),
            outcome="paid",
            **order,
            amount="1500",
            amount_minor=1500,
            currency="JPY",
        ),
        vector(
            "non-ascii",
            "Raw bytes are signed, whatever letters they are.",
            transaction("transaction.completed", custom_data={"order_number": "251122-Zürich"}),
            outcome="paid",
            **sum_ | {"order_number": "251122-Zürich"},
        ),
        vector(
            "no-order-number",
            "custom_data can be null: the transaction may find the order.",
            transaction("transaction.completed", custom_data=None),
            outcome="paid",
            **sum_ | {"order_number": None},
        ),
        vector(
            "amount-missing",
            "No readable amount, no paid.",
            transaction("transaction.completed", None),
            outcome="unclear",
            **order,
        ),
        vector(
            "amount-in-major-units",
            "Sums are texts of digits.",
            transaction("transaction.completed", "59.90"),
            outcome="unclear",
            **order,
        ),
        vector(
            "other-event",
            "Not about a payment.",
            event("customer.created", {"id": "ctm_1"}),
            outcome="ignored",
            **of | {"transaction_id": "ctm_1"},
        ),
        vector(
            "rotation",
            "While a key is changed the header has a signature for each.",
            completed,
            header=f"ts={NOW};h1={sign(completed, OTHER_KEY)};h1={signed}",
            outcome="paid",
            **sum_,
        ),
        vector(
            "second-key",
            "Any live key is enough.",
            completed,
            config={"secret_keys": [OTHER_KEY, KEY]},
            outcome="paid",
            **sum_,
        ),
        vector(
            "published",
            "The example in Paddle's own Python package; signed, but not an event.",
            b"hello-world",
            header=PUBLISHED,
            config={"secret_keys": PUBLISHED_KEYS},
            now=1_696_195_954,
            outcome="unclear",
        ),
        vector("at-the-edge", "300 s are allowed.", completed, now=NOW + 300, outcome="paid", **sum_),
        vector("too-old", "301 s are not.", completed, "not_genuine", now=NOW + 301),
        vector("too-early", "Nor ahead.", completed, "not_genuine", now=NOW - 301),
        vector(
            "tampered",
            "Another sum.",
            completed.replace(b"5990", b"1990"),
            "not_genuine",
            header=f"ts={NOW};h1={signed}",
        ),
        vector("time-changed", "The time is signed.", completed, "not_genuine", header=f"ts={NOW + 1};h1={signed}"),
        vector(
            "two-times",
            "One is signed, the other one used.",
            completed,
            "not_genuine",
            header=f"ts={NOW};ts=1;h1={signed}",
        ),
        vector("no-time", "Nothing to sign with.", completed, "not_genuine", header=f"h1={signed}"),
        vector(
            "wrong-secret",
            "Another destination's key.",
            completed,
            "not_genuine",
            header=f"ts={NOW};h1={sign(completed, OTHER_KEY)}",
        ),
        vector(
            "body-only",
            "The time is part of what is signed.",
            completed,
            "not_genuine",
            header=f"ts={NOW};h1={hmac.new(KEY.encode(), completed, hashlib.sha256).hexdigest()}",
        ),
        vector("unknown-version", "Only h1 counts.", completed, "not_genuine", header=f"ts={NOW};h2={signed}"),
        vector("no-signature", "No header.", completed, "not_genuine", header=None),
        vector("signature-not-ascii", "Must not raise.", completed, "not_genuine", header=f"ts={NOW};h1=\u00e9"),
        vector("empty", "Nothing at all.", b"", "not_genuine", header=None),
        vector("empty-signed", "Signed, but says nothing.", b"", outcome="unclear"),
        vector("malformed", "Signed, but not JSON.", b'{"event_id": ', outcome="unclear"),
        vector("wrong-shape", "Signed, but not an object.", b"[]", outcome="unclear"),
    ]


if __name__ == "__main__":
    (OWN / "paddle.json").write_text(json.dumps(vectors(), indent=1, ensure_ascii=False) + "\n")
