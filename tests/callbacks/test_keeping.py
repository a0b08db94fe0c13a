"""No path deletes a callback, nor changes what was received: not the ORM, not plain SQL with the app's role."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError, IntegrityError

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.callbacks.months import Month
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.states import Verb
from shopcallbacks.extensions import db
from shopcallbacks.shops.acts import Activity

from ..factories import make_account, make_callback, make_order, make_user, message, process

KEPT = ("callbacks", "requests", "bodies", "attempts", "messages", "orders", "ledger", "order_events", "activity")
WRITTEN_ONCE = ("attempts", "ledger", "order_events", "activity")
AS_BEGUN = {"orders": "shop_id number created_at", "messages": "callback_id place account_id"}
THE_REQUEST = "method path query headers body address received_at digest account_id shop_id".split()
WHAT_CAME = {"requests": "path headers", "bodies": "query body"}


@pytest.fixture
def callback(app: Flask) -> Callback:
    """A processed one and a removed one, so that every table has rows."""
    account = make_account()
    kept = make_callback(account, message(make_order(account.shop)))
    removed = make_callback(account, message("nowhere"))
    process()
    removed.do(Verb.remove, make_user(), "not ours")
    db.session.commit()
    return kept


@pytest.mark.usefixtures("callback")
@pytest.mark.parametrize("table", KEPT)
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_plain_sql_deletes_nothing(table: str, statement: str) -> None:
    assert db.session.scalar(text(f"SELECT count(*) FROM {table}"))
    with pytest.raises(DatabaseError, match="kept for ever"):
        db.session.execute(text(statement.format(table)))


def test_the_role_is_no_superuser(callback: Callback) -> None:
    assert db.session.scalar(text("SELECT usesuper FROM pg_user WHERE usename = current_user")) is False
    with pytest.raises(DatabaseError, match="permission denied"):
        db.session.execute(text("SET session_replication_role = replica"))


def test_the_orm_deletes_no_callback(callback: Callback) -> None:
    db.session.delete(callback)
    with pytest.raises(IntegrityError):
        db.session.commit()
    db.session.rollback()
    assert db.session.get(Callback, callback.id) is not None


def test_the_orm_deletes_no_shop_or_account_under_its_callbacks(callback: Callback) -> None:
    for thing in (callback.account, callback.account.shop):
        with pytest.raises(DatabaseError):
            db.session.execute(text(f"DELETE FROM {thing.__tablename__} WHERE id = {thing.id}"))
        db.session.rollback()


@pytest.mark.usefixtures("callback")
@pytest.mark.parametrize("column", THE_REQUEST)
def test_what_was_received_never_changes(column: str) -> None:
    with pytest.raises(DatabaseError, match="kept for ever"):
        db.session.execute(text(f"UPDATE callbacks SET {column} = {column}"))


@pytest.mark.usefixtures("callback")
@pytest.mark.parametrize(
    ("table", "column"), [(table, column) for table, columns in WHAT_CAME.items() for column in columns.split()]
)
def test_no_request_and_no_body_ever_changes_nor_does_its_month(table: str, column: str) -> None:
    part = Month.of(utcnow()).parts[table]
    for named in (table, part):
        for statement in (f"UPDATE {named} SET {column} = {column}", f"DELETE FROM {named}", f"TRUNCATE {named}"):
            with pytest.raises(DatabaseError, match="kept for ever"):
                db.session.execute(text(statement))
            db.session.rollback()


@pytest.mark.usefixtures("callback")
@pytest.mark.parametrize("table", WRITTEN_ONCE)
def test_what_was_written_down_never_changes(table: str) -> None:
    with pytest.raises(DatabaseError, match="kept for ever"):
        db.session.execute(text(f"UPDATE {table} SET id = id"))


@pytest.mark.usefixtures("callback")
@pytest.mark.parametrize(
    ("table", "column"),
    [(table, column) for table, columns in AS_BEGUN.items() for column in columns.split()],
)
def test_an_order_and_a_message_stay_what_they_began_as(table: str, column: str) -> None:
    with pytest.raises(DatabaseError, match="kept for ever"):
        db.session.execute(text(f"UPDATE {table} SET {column} = {column}"))


def test_an_act_happens_now_whatever_time_is_given(callback: Callback) -> None:
    before = utcnow()
    db.session.execute(text("INSERT INTO activity (verb, why, what, at) VALUES ('remove', '', 'forged', '2020-01-01')"))
    forged = db.session.scalars(db.select(Activity).where(Activity.what == "forged")).one()
    assert before - timedelta(seconds=5) < forged.at < utcnow() + timedelta(seconds=5)


def test_no_route_takes_the_method_delete(app: Flask) -> None:
    assert not [rule for rule in app.url_map.iter_rules() if "DELETE" in (rule.methods or ())]


def test_no_command_deletes(app: Flask) -> None:
    words = {name for group in app.cli.commands.values() for name in getattr(group, "commands", {})}
    assert not words & {"delete", "purge", "prune", "drop"}
