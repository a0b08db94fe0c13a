"""`flask callbacks import` and `process-imported`, as an admin types them."""

from __future__ import annotations

import base64
import csv
import io
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError

from shopcallbacks.callbacks import months
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.clock import utcnow
from shopcallbacks.dashboard import glance
from shopcallbacks.domain.errors import Refused
from shopcallbacks.domain.states import Effect, OrderState, State, Verb
from shopcallbacks.domain.values import Outcome, Request
from shopcallbacks.extensions import db
from shopcallbacks.moving_in.callbacks import Imported, Kept, keep
from shopcallbacks.panel.filter import Filter, Tab
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.users import Role

from ..factories import log_in, make_account, make_callback, make_order, make_user, message, process, request_for
from ..processes import until
from .conftest import Run

THEN = datetime(2024, 5, 1, 10, 0, 0, 123456, UTC)


@pytest.fixture
def account(flask: Run) -> GatewayAccount:
    return make_account()


def request_at(account: GatewayAccount, number: str, at: datetime = THEN) -> Request:
    """What the gateway sent then."""
    return request_for(account, message(number), at)


def log_of(folder: Path, *requests: Request) -> Path:
    """As another system would have logged them."""
    lines = [
        {
            "received_at": one.arrived_at.isoformat(),
            "method": one.method,
            "path": "/hooks/stripe",
            "query": one.query.decode(),
            "headers": [list(pair) for pair in one.headers],
            "body_base64": base64.b64encode(one.body).decode(),
            "address": "192.0.2.7",
        }
        for one in requests
    ]
    (folder / "log.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return folder / "log.jsonl"


def imported(account: GatewayAccount) -> list[Callback]:
    found = select(Callback).where(Callback.account_id == account.id, Callback.imported_at.is_not(None))
    return list(db.session.scalars(found.order_by(Callback.id)))


def bring(flask: Run, account: GatewayAccount, path: Path, *more: str, code: int = 0) -> str:
    return flask("callbacks", "import", account.shop.slug, account.slug, path, *more, code=code).output


def test_callbacks_keep_their_time_and_bytes_and_are_left_alone(
    flask: Run, account: GatewayAccount, tmp_path: Path
) -> None:
    order = make_order(account.shop)
    request = request_at(account, order.number)
    assert "1 callback kept, marked as imported" in bring(flask, account, log_of(tmp_path, request))
    process()
    (callback,) = imported(account)
    assert (callback.state, callback.received_at) == (State.imported, THEN)
    assert callback.request is not None
    assert callback.request.body == request.body
    assert (callback.request.headers, callback.request.path, callback.request.address) == (
        request.headers,
        "/hooks/stripe",
        "192.0.2.7",
    )
    assert (callback.attempts, callback.due_at, order.state) == ([], None, OrderState.temporary)
    assert not callback.stuck
    assert glance.summary(account.shop_id, utcnow()).count == 0, "it waits for nobody"
    act = db.session.scalars(select(Activity).where(Activity.verb == "import")).one()
    assert act.what == f"1 callback of {account.slug}"


def test_they_are_kept_once_however_often_and_the_oldest_first(
    flask: Run, account: GatewayAccount, tmp_path: Path
) -> None:
    young, old = (request_at(account, f"26-{n}", THEN - timedelta(days=n)) for n in (1, 2))
    make_callback(account, replace(young, path="/hooks/stripe", address="192.0.2.7"))
    assert "1 callback known already" in bring(flask, account, log_of(tmp_path, young, old))
    assert "2 callbacks known already" in bring(flask, account, log_of(tmp_path, young, old))
    assert [one.received_at for one in imported(account)] == [old.arrived_at]


def test_what_came_in_the_same_moment_is_kept_as_often_as_it_came(
    flask: Run, account: GatewayAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log that tells whole seconds has many of them: a forged one beside the genuine, and one that came twice."""
    monkeypatch.setattr("shopcallbacks.moving_in.callbacks.BATCH", 2)
    genuine = request_at(account, "26-1")
    forged = replace(genuine, headers=(("Stripe-Signature", "forged"),))
    asked = replace(genuine, method="PUT")
    for _ in range(2):
        output = bring(flask, account, log_of(tmp_path, forged, genuine, asked, genuine))
    assert "0 callbacks kept" in output
    assert "4 callbacks known already" in output
    assert "1 callback kept" in bring(flask, account, log_of(tmp_path, genuine, genuine, genuine))
    came = [one.request for one in imported(account)]
    assert len(came) == 5
    assert [one.headers for one in came if one] == [one.headers for one in (forged, genuine, asked, genuine, genuine)]


def test_two_imports_at_once_keep_each_once(app: Flask, account: GatewayAccount) -> None:
    found = [Kept(request_at(account, "26-1"))]
    id_ = account.id
    db.session.commit()

    def again() -> Imported:
        with app.app_context():
            return keep(found, db.session.get_one(GatewayAccount, id_), preview=False)

    first = keep(found, db.session.get_one(GatewayAccount, id_), preview=True)  # in a transaction that is open still
    with ThreadPoolExecutor(1) as pool, db.engine.connect() as beside:
        second = pool.submit(again)
        until(lambda: beside.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))
        db.session.commit()
    assert (len(first.kept), second.result().kept, second.result().known) == (1, [], 1)


def test_a_log_may_begin_with_a_mark_and_hold_what_unicode_calls_an_end_of_a_line(
    flask: Run, account: GatewayAccount, tmp_path: Path
) -> None:
    bodies = ["a\u2028b", "a\u2029b", "a\x85b"]
    lines = [json.dumps({"received_at": THEN.isoformat(), "body": body}, ensure_ascii=False) for body in bodies]
    (tmp_path / "log.jsonl").write_text("\n".join(lines), "utf-8-sig")
    bring(flask, account, tmp_path / "log.jsonl")
    assert [one.request.body.decode() for one in imported(account) if one.request] == bodies


def test_a_preview_says_what_processing_would_do_and_keeps_nothing(
    flask: Run, account: GatewayAccount, tmp_path: Path
) -> None:
    order = make_order(account.shop)
    log = log_of(tmp_path, request_at(account, order.number), request_at(account, "26-nowhere"))
    output = bring(flask, account, log, "--preview")
    assert "2 callbacks kept" in output
    assert "received from 2024-05-01 10:00:00 to 2024-05-01 10:00:00 UTC" in output
    assert "1 order opens" in output
    assert "1 would wait: " in output
    assert db.session.scalar(select(func.count()).select_from(Callback)) == 0
    assert db.session.scalars(select(Activity).where(Activity.verb == "import")).first() is None


def test_they_are_processed_when_it_is_asked_for_as_it_was_foreseen(
    flask: Run, account: GatewayAccount, tmp_path: Path
) -> None:
    order = make_order(account.shop)
    bring(flask, account, log_of(tmp_path, request_at(account, order.number), request_at(account, "26-nowhere")))
    foreseen = flask("callbacks", "process-imported", account.shop.slug, "--preview").output
    assert "1 order opens" in foreseen
    assert [one.state for one in imported(account)] == [State.imported] * 2
    assert "2 callbacks: an attempt is asked for" in flask("callbacks", "process-imported", account.shop.slug).output
    process()
    assert [(one.state, one.effect) for one in imported(account)] == [
        (State.processed, Effect.opened),
        (State.unprocessed, None),
    ]
    assert order.state is OrderState.open
    assert all(one.imported_at for one in imported(account)), "the mark stays"
    assert "0 callbacks" in flask("callbacks", "process-imported", account.shop.slug).output


def test_only_those_that_a_filter_shows_are_processed(flask: Run, account: GatewayAccount, tmp_path: Path) -> None:
    months = [request_at(account, f"26-{month}", datetime(2024, month, 3, 10, tzinfo=UTC)) for month in (3, 4, 5)]
    bring(flask, account, log_of(tmp_path, *months))
    flask("callbacks", "process-imported", account.shop.slug, "--filter", "from=2024-04-01&to=2024-04-30")
    process()
    assert [one.attempt_count for one in imported(account)] == [0, 1, 0]


@pytest.mark.parametrize(
    ("age", "effect"),
    [({"created_at": "2024-05-01T09:00:00Z"}, Effect.cancelled), ({}, Effect.none)],
    ids=["brought along", "handed in now"],
)
def test_a_refusal_cancels_only_an_order_that_was_there_before_it(
    flask: Run, account: GatewayAccount, tmp_path: Path, age: dict[str, str], effect: Effect
) -> None:
    order = {"number": "26-1", "amount": "59.90", "currency": "EUR", **age}
    (tmp_path / "orders.jsonl").write_text(json.dumps(order))
    flask("orders", "import", account.shop.slug, tmp_path / "orders.jsonl")
    refusal = request_for(account, message("26-1", Outcome.failed), THEN)
    bring(flask, account, log_of(tmp_path, refusal))
    flask("callbacks", "process-imported", account.shop.slug)
    process()
    assert [one.effect for one in imported(account)] == [effect]


def test_what_is_removed_comes_back_as_imported(flask: Run, account: GatewayAccount, tmp_path: Path) -> None:
    bring(flask, account, log_of(tmp_path, request_at(account, "26-1")))
    (callback,) = imported(account)
    assert callback.open_to == {Verb.retry, Verb.remove}
    flask("callbacks", "remove", callback.id, "--why", "not ours")
    flask("callbacks", "restore", callback.id)
    process()
    assert (callback.state, callback.attempt_count) == (State.imported, 0)
    with pytest.raises(Refused, match="it can't be forced now"):
        callback.do(Verb.force, None, "why")


def test_the_mark_never_changes(flask: Run, account: GatewayAccount, tmp_path: Path) -> None:
    bring(flask, account, log_of(tmp_path, request_at(account, "26-1")))
    with pytest.raises(DatabaseError, match="is kept for ever"):
        db.session.execute(text("UPDATE callbacks SET imported_at = NULL"))
    db.session.rollback()


def test_the_mark_shows_on_the_screens_and_in_the_csv(
    flask: Run, client: FlaskClient, account: GatewayAccount, tmp_path: Path
) -> None:
    log_in(client, make_user(Role.manager, account.shop))
    assert 'id="tab-imported"' not in client.get("/callbacks").text, "no tab without any"
    bring(flask, account, log_of(tmp_path, request_at(account, "26-1")))
    (callback,) = imported(account)
    html = client.get("/callbacks?tab=imported").text
    assert "Imported, not processed" in html
    assert 'id="tab-imported"' in html
    page = client.get(f"/callbacks/{callback.id}").text
    assert "Callback imported and kept" in page
    assert "Callback received elsewhere" in page
    (row,) = csv.DictReader(io.StringIO(client.get("/callbacks.csv?tab=imported").text))
    assert row["received at"] == "2024-05-01T10:00:00+00:00"
    assert row["imported at"] == f"{callback.imported_at:%Y-%m-%dT%H:%M:%S}+00:00"
    assert row["state"] == "imported"


def test_they_are_found_by_what_they_say(flask: Run, account: GatewayAccount, tmp_path: Path) -> None:
    bring(flask, account, log_of(tmp_path, request_at(account, "26-needle")))
    found = db.session.scalars(Filter(Tab.imported, q="26-needle").select(account.shop)).all()
    assert [one.id for one in found] == [one.id for one in imported(account)]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("empty.jsonl", "", "There is no callback in"),
        ("bad.jsonl", "{}", "line 1: received_at must be a moment"),
        ("bad.xml", "<x", "It is no XML"),
        (
            "large.jsonl",
            json.dumps({"received_at": THEN.isoformat(), "body": "x" * 1024 * 1025}),
            "The callback of 2024-05-01 10:00:00.123456 UTC is larger than",
        ),
    ],
)
def test_what_can_not_be_taken_is_a_sentence(
    flask: Run, account: GatewayAccount, tmp_path: Path, name: str, content: str, sentence: str
) -> None:
    (tmp_path / name).write_text(content)
    assert sentence in bring(flask, account, tmp_path / name, code=1)
    assert imported(account) == []


def test_what_came_in_a_month_that_is_in_the_archive_is_not_imported_before_that_is_back(
    flask: Run, account: GatewayAccount, tmp_path: Path
) -> None:
    """Beside it the month could not be brought back any more, and nothing that was kept can be taken out again."""
    log = log_of(tmp_path, request_at(account, "251123-1"))
    Activity.record(months.AWAY, None, what="2024-05")
    refused = bring(flask, account, log, code=1)
    assert "2024-05 is in the archive. Bring it back first: flask requests attach 2024-05" in refused
    assert db.session.scalar(select(func.count()).select_from(Callback)) == 0
    Activity.record(months.BACK, None, what="2024-05")
    bring(flask, account, log)
    assert db.session.scalar(select(func.count()).select_from(Callback)) == 1


def test_history_stands_in_the_parts_of_its_months_and_a_preview_makes_none(
    flask: Run, account: GatewayAccount, tmp_path: Path
) -> None:
    """In the default part each month made later would be looked for, while arrivals wait."""
    log = log_of(tmp_path, *(request_at(account, "26-1", datetime(2018, month, 28, tzinfo=UTC)) for month in (6, 8)))
    parts = text("SELECT to_regclass('requests_2018_06') IS NOT NULL, to_regclass('bodies_2018_08') IS NOT NULL")
    bring(flask, account, log, "--preview")
    assert db.session.execute(parts).one() == (False, False)
    bring(flask, account, log)
    assert db.session.execute(parts).one() == (True, True)
    for table in ("requests", "bodies"):
        stands = text(f"SELECT tableoid::regclass::text FROM {table} ORDER BY 1")
        assert db.session.scalars(stands).all() == [f"{table}_2018_06", f"{table}_2018_08"]


def test_a_preview_keeps_nothing_of_today_for_what_arrives_meanwhile_would_wait_for_it(
    flask: Run, account: GatewayAccount, tmp_path: Path
) -> None:
    today = request_at(account, "26-2", utcnow())
    assert "All of it came today (UTC)" in bring(flask, account, log_of(tmp_path, today), "--preview", code=1)
    log = log_of(tmp_path, request_at(account, "26-1"), today)
    output = bring(flask, account, log, "--preview")
    assert "Without 1 callback of today (UTC)" in output
    assert "1 callback kept" in output
    assert "2 callbacks kept" in bring(flask, account, log)
