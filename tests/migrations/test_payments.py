"""Payments and the ledger, built from the former ledger: nothing that an order is worth changes by it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.domain.errors import Conflict
from shopcallbacks.domain.states import AttemptKind, Entry, OrderState, State
from shopcallbacks.domain.values import Message, Money, Outcome
from shopcallbacks.extensions import db
from shopcallbacks.gateways import GATEWAYS
from shopcallbacks.jobs import drain
from shopcallbacks.orders.ledger import LedgerRow
from shopcallbacks.orders.order import Order
from shopcallbacks.shops.accounts import GatewayAccount

from ..processing.saying import Saying, say
from .former import Former, Told, add_account, add_order, add_orders, arriving, payment, refund

WAITS = "order_conflict"
ORDERS = {
    "temporary": Former("temporary"),
    "open": Former("open", (payment("T"),)),
    "part refunded": Former("open", (payment("T"), refund("T", 1500, "R1"))),
    "refunded": Former("refunded", (payment("T"), refund("T", 1500, "R2"), refund("T", 3400, "R3"))),
    "owed": Former("open", (payment("T"), payment("T2", owed=True)), owed=4900),
    "owed and settled": Former("open", (payment("T"), payment("T2", owed=True)), settled=4900),
    "owed and part refunded": Former(
        "open", (payment("T"), payment("T2", owed=True), refund("T2", 1500, "R4")), owed=3400
    ),
    "owed, part refunded, settled": Former(
        "open", (payment("T"), payment("T2", owed=True), refund("T2", 1500, "R5")), settled=4900
    ),
    "owed after a refund of nobody's": Former(
        "open", (payment("T"), payment("T2", owed=True), refund(None, 1500, "R6")), owed=3400
    ),
    "cancelled and owed": Former("cancelled", (payment("T2", owed=True),), (Told("failed", "T"),), owed=4900),
    "refund before payment": Former("refunded", (refund("T", 4900, "R7"), payment("T"))),
    "refund before payment, of no payment": Former("refunded", (refund(None, 4900, "R8"), payment("T"))),
    "part refund before payment": Former("open", (refund("T", 1500, "R9"), payment("T"))),
    "refund of no payment yet": Former("temporary", (refund("T", 1500, "R10"),)),
    "refund without transaction": Former("open", (payment("T"), refund(None, 1500, "R11"))),
    "refund with its own transaction": Former("open", (payment("T"), refund("R12", 1500, "R12"))),
    "more refunded than its payment": Former(
        "refunded", (payment("T"), payment("T2", owed=True), refund("T", 9800, "R13")), owed=4900
    ),
    "named by its event": Former("open", (payment(None, movement="evt"),), (Told("paid", None, event="evt"),)),
    "awaiting": Former("awaiting_payment", (), (Told("failed", "T0"), Told("pending", "T")), awaited="T"),
    "cancelled": Former("cancelled", (), (Told("pending", "T"), Told("failed", "T"))),
    "paid already": Former(
        "open",
        (payment("T"),),
        (Told("paid", "T2", WAITS, "Paid, but the order is paid already, by another payment."),),
    ),
    "payment gone": Former(
        "open",
        (payment("T"),),
        (Told("failed", "T", WAITS, "The payment that opened the order is now said to have failed."),),
    ),
    "test": Former(
        "temporary", (), (Told("paid", "T", WAITS, "This is a test callback, and the order is a live order."),)
    ),
    "too much refunded": Former(
        "open", (payment("T"),), (Told("refunded", "T", "amount_mismatch", "more than is left"),)
    ),
}


@pytest.fixture
def saying(old_app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    monkeypatch.setitem(GATEWAYS, "saying", Saying())
    return old_app


@pytest.fixture
def account_id(saying: Flask) -> int:
    """Of the gateway account whose orders the database of revision 0010 has, each of ORDERS."""
    shop, account = add_account()
    # Each under its own transactions: a payment is one order's.
    add_orders(shop, account, {name: _own(place, former) for place, (name, former) in enumerate(ORDERS.items())})
    db.session.commit()
    return account


def _own(place: int, former: Former) -> Former:
    booked = []
    for row in former.booked:
        movement = _id(place, row.movement) if row.entry == "payment" else row.movement
        booked.append(row._replace(transaction=_id(place, row.transaction), movement=movement or ""))
    told = [one._replace(transaction=_id(place, one.transaction), event=_id(place, one.event)) for one in former.told]
    return Former(former.state, tuple(booked), tuple(told), former.owed, former.settled, _id(place, former.awaited))


def _id(place: int, transaction: str | None) -> str | None:
    return f"{transaction}-{place}" if transaction else None


def id_of(number: str, transaction: str) -> str:
    return f"{transaction}-{list(ORDERS).index(number)}"


def orders() -> dict[str, Order]:
    db.session.rollback()
    return {order.number: order for order in db.session.scalars(select(Order))}


def figures(order: Order) -> dict[str, Any]:
    """The columns that are kept."""
    return {
        "taken": order.taken_minor,
        "given_back": order.given_back_minor,
        "kept": order.kept_minor,
        "waived": order.waived_minor,
        "owed": {"EUR": order.owed_minor} if order.owed_minor else {},
    }


def by_the_rules(order: Order) -> dict[str, Any]:
    facts = order.facts
    return {
        "taken": facts.taken,
        "given_back": facts.given_back,
        "kept": facts.kept,
        "waived": facts.waived,
        "owed": dict(facts.owed),
    }


def assert_as_before() -> None:
    """Every order as it was, and its figures the sums of its ledger."""
    found = orders()
    for number, former in ORDERS.items():
        order = found[number]
        assert (number, order.state, order.owed_minor) == (number, former.state, former.owed)
        assert (number, by_the_rules(order)) == (number, figures(order))
        entries = {entry: [row for row in order.ledger if row.entry is entry] for entry in Entry}
        for entry in (Entry.payment, Entry.refund):
            assert sum(row.minor for row in entries[entry]) == sum(r.minor for r in former.booked if r.entry == entry)
        assert (order.kept_minor > 0) is (order.state is OrderState.open), number


@pytest.mark.usefixtures("account_id")
def test_states_and_sums_of_old_orders_stay_as_they_were() -> None:
    upgrade()
    assert_as_before()


@pytest.mark.usefixtures("account_id")
def test_what_waits_says_why_in_words_that_rules_know() -> None:
    upgrade()
    waiting = select(Order.number, Callback.conflict).join(Order, Order.id == Callback.order_id)
    found = dict(db.session.execute(waiting.where(Callback.state == State.unprocessed)).all())
    assert found == {
        "paid already": Conflict.paid_already,
        "payment gone": Conflict.payment_gone,
        "test": Conflict.other_mode,
        "too much refunded": None,
    }


@pytest.mark.usefixtures("account_id")
def test_a_refund_that_waits_is_read_again_for_the_name_of_its_movement() -> None:
    upgrade()
    due = db.session.scalars(select(Callback).where(Callback.due_kind == AttemptKind.retry)).all()
    assert [callback.order_number for callback in due] == ["too much refunded"]


NEXT: dict[str, tuple[Outcome, str | None, int, str | None, str, tuple[str, int, int, int]]] = {
    # number: what comes, of which payment, how much, its movement; the effect or reason; state, paid, given back, owed
    "temporary": (Outcome.paid, "T", 4900, None, "opened", ("open", 4900, 0, 0)),
    "open": (Outcome.paid, "T", 4900, None, "repeated", ("open", 4900, 0, 0)),
    "part refunded": (Outcome.refunded, "T", 3400, "N1", "refunded", ("refunded", 4900, 4900, 0)),
    "refunded": (Outcome.refunded, "T", 1500, "R2", "repeated", ("refunded", 4900, 4900, 0)),
    "owed": (Outcome.refunded, "T2", 4900, "N2", "recorded", ("open", 4900, 0, 0)),
    "owed and settled": (Outcome.refunded, "T2", 4900, "N3", "recorded", ("open", 4900, 0, 0)),
    "owed and part refunded": (Outcome.refunded, "T2", 3400, "N4", "recorded", ("open", 4900, 0, 0)),
    "owed, part refunded, settled": (Outcome.refunded, "T2", 3400, "N5", "recorded", ("open", 4900, 0, 0)),
    "owed after a refund of nobody's": (Outcome.paid, "T2", 4900, None, "repeated", ("open", 4900, 1500, 3400)),
    "cancelled and owed": (Outcome.refunded, "T2", 4900, "N6", "recorded", ("cancelled", 0, 0, 0)),
    "refund before payment": (Outcome.refunded, "T", 4900, "R7", "repeated", ("refunded", 4900, 4900, 0)),
    "refund before payment, of no payment": (Outcome.paid, "T", 4900, None, "repeated", ("refunded", 4900, 4900, 0)),
    "part refund before payment": (Outcome.refunded, "T", 3400, "N7", "refunded", ("refunded", 4900, 4900, 0)),
    "refund of no payment yet": (Outcome.paid, "T", 4900, None, "opened", ("open", 4900, 1500, 0)),
    "refund without transaction": (Outcome.refunded, "T", 3400, "N8", "refunded", ("refunded", 4900, 4900, 0)),
    "refund with its own transaction": (Outcome.refunded, "T", 3400, "N9", "refunded", ("refunded", 4900, 4900, 0)),
    "more refunded than its payment": (Outcome.paid, "T2", 4900, None, "repeated", ("refunded", 4900, 9800, 4900)),
    "named by its event": (Outcome.paid, None, 4900, None, "repeated", ("open", 4900, 0, 0)),
    "awaiting": (Outcome.failed, "T", 4900, None, "cancelled", ("cancelled", 0, 0, 0)),
    "cancelled": (Outcome.paid, "T2", 4900, None, "reopened", ("open", 4900, 0, 0)),
    "paid already": (Outcome.refunded, "T2", 4900, "N10", "recorded", ("open", 4900, 0, 0)),
    "payment gone": (Outcome.failed, "T", 4900, None, "order_conflict", ("open", 4900, 0, 0)),
    "test": (Outcome.paid, "T", 4900, None, "opened", ("open", 4900, 0, 0)),
    "too much refunded": (Outcome.refunded, "T", 4900, "N11", "refunded", ("refunded", 4900, 4900, 0)),
}


def test_a_further_callback_is_decided_as_if_the_order_had_never_been_another_release_s(account_id: int) -> None:
    assert NEXT.keys() == ORDERS.keys()
    upgrade()
    # What waits of refunds would be read again; of this gateway there is nothing to read.
    db.session.execute(text("UPDATE callbacks SET due_at = NULL, due_kind = NULL"))
    db.session.commit()
    account = db.session.get_one(GatewayAccount, account_id)
    told = {}
    for number, (outcome, transaction, minor, movement, _, _) in NEXT.items():
        id_ = id_of(number, transaction) if transaction else None
        told[number] = say(account, Message(outcome, number, id_, money=Money(minor, "EUR"), movement=movement))
    db.session.commit()
    while drain(False):
        pass
    found = orders()
    for number, (*_, expected, standing) in NEXT.items():
        callback, order = db.session.get_one(Callback, told[number]), found[number]
        assert (number, callback.effect or callback.reason) == (number, expected)
        seen = order.state, order.taken_minor, order.given_back_minor, order.owed_minor
        assert (number, *seen) == (number, *standing)
        assert (number, by_the_rules(order)) == (number, figures(order))


def test_no_callback_is_refused_meanwhile_nor_any_order_of_the_former_release(account_id: int) -> None:
    shop = db.session.scalars(text("SELECT id FROM shops")).one()
    db.session.rollback()
    url = db.engine.url.render_as_string(hide_password=False).replace("+psycopg", "")
    refused: list[Exception] = []
    done = threading.Event()
    kept = 0

    def arrive() -> None:
        nonlocal kept
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SET statement_timeout = '5s'")
            while not done.is_set():
                try:
                    connection.execute(*arriving(shop, account_id, kept))
                    connection.execute(HANDED_IN, {"shop": shop, "number": f"new {kept}"})
                    kept += 1
                except psycopg.Error as error:
                    refused.append(error)

    door = threading.Thread(target=arrive)
    door.start()
    try:
        upgrade()
    finally:
        done.set()
        door.join()
    assert refused == []
    assert kept
    assert db.session.scalar(select(func.count()).where(Callback.state == State.received)) == kept
    told = db.session.execute(
        text("SELECT count(*) FROM order_events WHERE number LIKE 'new %' AND total_minor = 4900")
    )
    assert told.scalar_one() == kept
    assert_as_before()


HANDED_IN = """
WITH made AS (
    INSERT INTO orders (shop_id, number, state, amount_minor, currency, test, created_at, changed_at)
    VALUES (%(shop)s, %(number)s, 'temporary', 4900, 'EUR', false, now(), now()) RETURNING id
), place AS (UPDATE feeds SET position = position + 1 WHERE shop_id = %(shop)s RETURNING position)
INSERT INTO order_events (shop_id, order_id, position, kind, to_state, actor, at)
SELECT %(shop)s, made.id, position, 'created', 'temporary', '', now() FROM made, place
"""


@contextmanager
def broken(statement: str, mended: str) -> Iterator[None]:
    """Something in the database breaks the upgrade; then it is mended."""
    db.session.execute(text(statement))
    db.session.commit()
    with pytest.raises(DBAPIError):
        yield
    db.session.rollback()
    db.session.execute(text(mended))
    db.session.commit()


def test_a_run_that_was_broken_off_goes_on(account_id: int) -> None:
    shop = db.session.scalars(text("SELECT id FROM shops")).one()
    for number in range(2500):  # more than one part
        add_order(shop, account_id, f"more {number}", Former("open", (payment(f"M-{number}"),)))
    db.session.commit()
    upgrade(revision="0011")
    refuse = (
        "CREATE FUNCTION break_off() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'broken off'; END $$; "
        "CREATE TRIGGER break_off BEFORE INSERT ON payments FOR EACH ROW "
        "WHEN (NEW.transactions = '[\"M-2499\"]'\\:\\:jsonb) EXECUTE FUNCTION break_off()"
    )
    with broken(refuse, "DROP FUNCTION break_off CASCADE"):
        upgrade()
    booked = db.session.scalar(select(func.count()).select_from(LedgerRow))
    assert booked is not None
    assert booked >= 2000  # of the first part
    with broken("CREATE TABLE ix_messages_waiting_carries_on ()", "DROP TABLE ix_messages_waiting_carries_on"):
        upgrade()
    upgrade()
    assert_as_before()
    assert all(order.taken_minor == 4900 == order.facts.taken for n, order in orders().items() if n.startswith("more"))


@pytest.mark.usefixtures("account_id")
def test_down_to_the_former_release_and_up_again_changes_nothing() -> None:
    upgrade()
    downgrade(revision="0010")
    columns = text("SELECT number, owed_minor, settled_minor, awaited_transaction IS NOT NULL FROM orders")
    for number, owed, settled, awaits in db.session.execute(columns):
        former = ORDERS[number]
        assert (number, owed, awaits) == (number, former.owed, former.awaited is not None)
        assert settled == former.settled or number == "owed after a refund of nobody's"  # which says the same by it
    db.session.rollback()
    upgrade()
    assert_as_before()


def test_orders_of_every_earlier_revision_come_through(empty_app: Flask) -> None:
    shop = account = None
    for revision in ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010"):
        upgrade(revision=revision)
        if shop is None:
            shop, account = (db.session.scalar(text(statement)) for statement in AT_FIRST)
        values = {"shop": shop, "account": account, "number": f"at {revision}"}
        order = db.session.scalar(text(FIRST_ORDER), values)
        db.session.execute(text(FIRST_PAYMENT), {**values, "order": order})
        db.session.commit()
    upgrade()
    assert {(order.state, order.facts.taken, order.taken_minor) for order in orders().values()} == {
        (OrderState.open, 4900, 4900)
    }


AT_FIRST = (
    "INSERT INTO shops (slug, name, time_zone, created_at) VALUES ('a', 'A', 'UTC', now()) RETURNING id",
    "INSERT INTO gateway_accounts (shop_id, gateway_name, slug, title, mode, token, settings, asks, enabled, "
    "created_at) SELECT id, 'stripe', 'stripe', 'Stripe', 'live', 'token', '{}', false, true, now() FROM shops "
    "RETURNING id",
)
FIRST_ORDER = (
    "INSERT INTO orders (shop_id, number, state, amount_minor, currency, test, created_at, changed_at) "
    "VALUES (:shop, :number, 'open', 4900, 'EUR', false, now(), now()) RETURNING id"
)
FIRST_PAYMENT = (
    "INSERT INTO payments (shop_id, order_id, account_id, entry, movement, transaction_id, minor, currency, booked_at) "
    "VALUES (:shop, :order, :account, 'payment', :number, :number, 4900, 'EUR', now())"
)
