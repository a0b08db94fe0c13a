"""A Flask shop that is paid through shopcallbacks, in one file.

flask --app shop run          the shop
flask --app shop follow       what the webhooks may have missed: by cron, each few minutes
"""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from urllib.parse import urlencode

import httpx
from flask import Flask, Response, abort, jsonify, redirect, request
from shopcallbacks_client import BadSignature, Client, Event, Refused, Webhooks

app = Flask(__name__)
shopcallbacks = Client(os.environ["SHOPCALLBACKS_URL"], os.environ["SHOPCALLBACKS_TOKEN"])
webhooks = Webhooks(*os.environ["SHOPCALLBACKS_SECRETS"].split())
GATEWAY = os.environ["GATEWAY_URL"]
PRICES = {"kite": Decimal("59.90"), "tent": Decimal("149.00")}  # the shop's, whatever a form says

SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    number TEXT PRIMARY KEY, article TEXT NOT NULL, amount TEXT NOT NULL, currency TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'temporary', place INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS parcels (number TEXT PRIMARY KEY REFERENCES orders);
CREATE TABLE IF NOT EXISTS cursor (position TEXT NOT NULL);
"""


@contextmanager
def database() -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(os.environ.get("SHOP_DB", "shop.sqlite"), timeout=30)
    db.row_factory = sqlite3.Row
    try:
        db.executescript(SCHEMA)
        with db:  # one transaction
            yield db
    finally:
        db.close()


@app.post("/checkout")
def check_out() -> Response:
    """The order is kept here, handed in there, and only then paid."""
    number, article = uuid.uuid4().hex[:12], request.form["article"]
    amount = PRICES.get(article) or abort(404)
    order = (number, article, str(amount))
    with database() as db:
        db.execute("INSERT INTO orders (number, article, amount, currency) VALUES (?, ?, ?, 'EUR')", order)
    shopcallbacks.hand_in(number, amount, "EUR")
    return redirect(f"{GATEWAY}/pay?{urlencode({'order': number, 'amount': amount, 'currency': 'EUR'})}", 303)


@app.post("/order-changes")
def hear() -> Response:
    """The webhook: Settings > Shop endpoint has this address, and the secrets."""
    try:
        event = webhooks.read(request.headers, request.get_data())
    except BadSignature:
        abort(400)
    with database() as db:
        take(db, event)
    return Response(status=204)


@app.cli.command("follow")
def follow() -> None:
    """The same changes from the feed, from where it was left."""
    with database() as db:
        last = db.execute("SELECT position FROM cursor").fetchone()
        for event in shopcallbacks.events(after=last["position"] if last else "0"):
            take(db, event)
            db.execute("DELETE FROM cursor")
            db.execute("INSERT INTO cursor VALUES (?)", (event.position,))
            db.commit()


def take(db: sqlite3.Connection, event: Event) -> None:
    """However often it is told, and by whichever way: an event not beyond the order's place was taken before.

    An order may come to `open` more than once; its number is the key of its parcel, so that nothing is sent twice.
    Send what is in `parcels` only while its order is `open`.
    """
    values = {"order": event.order, "to": event.to, "place": event.place}
    db.execute("UPDATE orders SET state = :to, place = :place WHERE number = :order AND place < :place", values)
    paid = "SELECT number FROM orders WHERE number = :order AND state = 'open'"
    db.execute(f"INSERT INTO parcels {paid} ON CONFLICT DO NOTHING", values)


# `cancel` and `refund` are for the shop's own people: put them behind your back office's log-in and CSRF check.


@app.post("/orders/<number>/cancel")
def cancel(number: str) -> tuple[Response, int]:
    """Its state here changes when the feed says so."""
    try:
        order = shopcallbacks.cancel(number)
    except Refused as refused:
        return jsonify(state=refused.order.state, why=str(refused)), 409
    return jsonify(state=order.state), 200


@app.post("/orders/<number>/refund")
def refund(number: str) -> tuple[Response, int]:
    """Money is given back at the gateway; its callback to shopcallbacks is what makes the order refunded.

    What the order kept, and once: by the same key the gateway knows a click that is repeated.
    """
    _find(number)
    order = shopcallbacks.order(number)
    if order.state != "open":
        return jsonify(state=order.state), 409
    key, asked = {"Idempotency-Key": f"refund-{number}"}, {"order": number, "amount": str(order.kept)}
    httpx.post(f"{GATEWAY}/refunds", json=asked, headers=key, timeout=30).raise_for_status()
    return jsonify(state=order.state), 202


@app.get("/orders/<number>")
def show(number: str) -> Response:
    with database() as db:
        parcels = db.execute("SELECT count(*) FROM parcels WHERE number = ?", (number,)).fetchone()[0]
    return jsonify(state=_find(number)["state"], parcels=parcels)


def _find(number: str) -> sqlite3.Row:
    with database() as db:
        return db.execute("SELECT * FROM orders WHERE number = ?", (number,)).fetchone() or abort(404)
