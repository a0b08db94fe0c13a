"""Bytes that a callback costs, in the write-ahead log and on the disk: as it arrives, as it is settled, and in a flood.

`python -m bench.storage [count]`. Stripe-like posts of 2.5 kB in JSON, PayPal-like ones of 800 B in a form, and one
body that is sent over and over. A checkpoint goes before each measuring, so all of them pay for whole pages alike.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import urlencode

from sqlalchemy import text

from shopcallbacks.clock import utcnow
from shopcallbacks.domain.states import State
from shopcallbacks.domain.values import Request
from shopcallbacks.extensions import db
from shopcallbacks.jobs import drain
from shopcallbacks.receiving.door import door
from shopcallbacks.shops.accounts import GatewayAccount

from .load import FURTHER, signature
from .place import hand_in, place

COUNT, AT_ONCE = 3000, 16
LINE = "{:22} {:>14} {:>14} {:>14}"
SIZE = """
SELECT sum(pg_total_relation_size(oid)) FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname ~ '^(callbacks|requests|bodies)'
"""
ENDED = "SELECT count(*) FROM callbacks WHERE account_id = :account AND state = :state"
HEADERS = (
    ("Host", "callbacks.example.com"),
    ("Accept", "*/*; q=0.5, application/xml"),
    ("Cache-Control", "no-cache"),
    ("Accept-Encoding", "gzip"),
)
FORM = {
    "signature": {"place": "header", "name": "X-Signature"},
    "secrets": ["whsec_bench"],
    "content": "form",
    "amount_unit": "major",
    "fields": {
        "order_number": "/invoice",
        "amount": "/mc_gross",
        "currency": "/mc_currency",
        "status": "/payment_status",
        "transaction_id": "/txn_id",
        "event_id": "/ipn_track_id",
    },
    "statuses": {"Completed": "paid"},
}
_numbers = itertools.count(1)


def stripe_like(account: GatewayAccount, number: str) -> Request:
    paid = {"id": f"pi_{number}", "object": "payment_intent", "amount": 5990, "amount_received": 5990}
    paid |= {"currency": "eur", "metadata": {"order_number": number}, "status": "succeeded", **FURTHER}
    event = {"id": f"evt_{number}", "object": "event", "type": "payment_intent.succeeded", "livemode": True}
    at = utcnow()
    created = int(at.timestamp())
    body = json.dumps({**event, "created": created, "data": {"object": paid}}, indent=2).encode()
    headers = (
        *HEADERS,
        ("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)"),
        ("Content-Type", "application/json; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Stripe-Signature", signature(body, created)),
    )
    return Request("POST", account.callback_path, b"", headers, body, "192.0.2.1", at)


def paypal_like(account: GatewayAccount, number: str) -> Request:
    random = hashlib.sha256(number.encode()).hexdigest()
    fields = {"mc_gross": "59.90", "mc_currency": "EUR", "invoice": number, "payment_status": "Completed"}
    fields |= {"txn_id": random[:17].upper(), "ipn_track_id": random[20:33], "payer_id": random[40:53].upper()}
    fields |= {"protection_eligibility": "Eligible", "address_status": "confirmed", "address_street": "1 Main St"}
    fields |= {"payment_date": "20:12:59 Jan 13, 2026 PST", "address_zip": "95131", "first_name": "Test"}
    fields |= {"mc_fee": "1.88", "address_country_code": "US", "address_name": "Test User", "notify_version": "3.9"}
    fields |= {"custom": "", "payer_status": "verified", "business": "seller@shop.example", "address_city": "San Jose"}
    fields |= {"quantity": "1", "verify_sign": random, "payer_email": f"{random[:9]}@buyer.example", "last_name": "U"}
    fields |= {"payment_type": "instant", "address_state": "CA", "receiver_email": "seller@shop.example"}
    fields |= {
        "receiver_id": "S8XGHLYDW9T3S",
        "txn_type": "web_accept",
        "item_name": "Shoes",
        "residence_country": "US",
    }
    body = urlencode(fields).encode()
    headers = (
        *HEADERS,
        ("User-Agent", "PayPal IPN ( https://www.paypal.com/ipn )"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Content-Length", str(len(body))),
        ("X-Signature", hmac.new(b"whsec_bench", body, hashlib.sha256).hexdigest()),
    )
    return Request("POST", account.callback_path, b"", headers, body, "192.0.2.1", utcnow())


def measured(do: Callable[[], object], count: int) -> float:
    """Bytes of the write-ahead log, each."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CHECKPOINT"))
        before = connection.scalar(text("SELECT pg_current_wal_insert_lsn()"))
        do()
        between = text("SELECT pg_current_wal_insert_lsn() - CAST(:before AS pg_lsn)")
        return float(connection.scalar(between, {"before": before}) or 0) / count


def on_disk() -> float:
    found = db.session.scalar(text(SIZE))
    db.session.rollback()
    return float(found or 0)


def keep(account: GatewayAccount, requests: list[Request]) -> None:
    """As many at once as a busy web process has."""
    id_, shop_id = account.id, account.shop_id
    db.session.rollback()
    keeper = door().keeper
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda request: keeper.keep(request, id_, shop_id, False), requests))


def settle() -> None:
    while drain(asks=False):
        pass


def numbers(account: GatewayAccount, count: int) -> list[str]:
    found = [f"26-{next(_numbers)}" for _ in range(count)]
    hand_in(account, found)
    return found


def ended(account: GatewayAccount, state: State) -> int:
    found = db.session.scalar(text(ENDED), {"account": account.id, "state": state})
    db.session.rollback()
    return int(found or 0)


def posts(
    stripe: GatewayAccount, form: GatewayAccount, count: int
) -> Iterator[tuple[str, GatewayAccount, list[Request], State]]:
    """And what all of them are to come to."""
    genuine = [stripe_like(stripe, number) for number in numbers(stripe, count)]
    yield "Stripe-like, 2.5 kB", stripe, genuine, State.processed
    yield "PayPal-like, 800 B", form, [paypal_like(form, number) for number in numbers(form, count)], State.processed
    one = stripe_like(stripe, "26-1")
    forged = replace(one, headers=tuple(pair for pair in one.headers if pair[0] != "Stripe-Signature"))
    yield "one body, forged", stripe, [replace(forged, arrived_at=utcnow()) for _ in range(count)], State.unprocessed


def main(count: int = COUNT) -> None:
    print(LINE.format("bytes a callback", "log, arriving", "log, settling", "on the disk"))
    with place() as (_, stripe, _environ):
        form = GatewayAccount.add(stripe.shop, "generic_hmac", "form", FORM)
        db.session.commit()
        for name, account, requests, state in posts(stripe, form, count):
            before = on_disk()
            arriving = measured(lambda: keep(account, requests), count)  # noqa: B023 - called at once
            settling = measured(settle, count)
            disk = (on_disk() - before) / count
            assert ended(account, state) == count, f"{ended(account, state)} of {count} {state}"
            print(LINE.format(name, *(f"{figure:,.0f}" for figure in (arriving, settling, disk))), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
