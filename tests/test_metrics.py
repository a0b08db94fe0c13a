"""GET /metrics: right figures for whoever has the token, of closed labels, at a price that does not grow."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from shopcallbacks import metrics
from shopcallbacks.clock import utcnow
from shopcallbacks.dashboard import arrivals
from shopcallbacks.dashboard.pulse import Pulse
from shopcallbacks.domain.errors import Reason
from shopcallbacks.domain.states import Lane, WrongCall
from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from shopcallbacks.gateways import GATEWAYS
from shopcallbacks.receiving.door import door
from shopcallbacks.receiving.line import Line
from shopcallbacks.release import RELEASE, VERSION
from shopcallbacks.shops.accounts import GatewayAccount

from .factories import long_history, make_account, make_callback, make_order, message, process

TOKEN = "5f0c1b2a9d3e4f60718293a4b5c6d7e8"
Labels = tuple[str, ...]


@pytest.fixture(autouse=True)
def open_to_prometheus(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "METRICS_TOKEN", TOKEN)


@pytest.fixture
def account(app: Flask) -> GatewayAccount:
    return make_account()


def read(client: FlaskClient) -> dict[tuple[str, Labels], float]:
    """By name and the values of the labels."""
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    return {
        (sample.name.removeprefix("shopcallbacks_"), tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


@pytest.mark.parametrize(
    "given", [None, "Bearer ", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer \xff"]
)
def test_nobody_reads_it_without_the_token(client: FlaskClient, given: str) -> None:
    answer = client.get("/metrics", headers={"Authorization": given} if given else {})
    assert answer.status_code == 401
    assert "shopcallbacks_" not in answer.text


def test_wrong_tokens_are_held_back_and_the_right_one_never(client: FlaskClient) -> None:
    wrong = {client.get("/metrics", headers={"Authorization": "Bearer no"}).status_code for _ in range(40)}
    assert wrong == {401, 429}
    assert read(client)


def test_where_no_token_is_set_there_is_no_such_address(app: Flask, client: FlaskClient) -> None:
    app.config["METRICS_TOKEN"] = ""
    for given in ("Bearer ", "Bearer", f"Bearer {TOKEN}"):
        assert client.get("/metrics", headers={"Authorization": given}).status_code == 404


def test_it_tells_of_the_release_and_of_each_lane(client: FlaskClient) -> None:
    Pulse.beat(Lane.plain)
    db.session.commit()
    told = read(client)
    assert told["info", (RELEASE, VERSION)] == 1
    assert told["worker_seen_timestamp_seconds", (Lane.plain,)] > 0
    assert told["worker_seen_timestamp_seconds", (Lane.asking,)] == 0, "never seen"
    assert (told["redis_up", ()], told["stores", ()]) == (1, 1)
    assert told["database_bytes", ()] > 0


def test_what_waits_is_told_by_why(client: FlaskClient, account: GatewayAccount) -> None:
    make_callback(account, message(make_order(account.shop), money=Money(1, "EUR")))
    make_callback(account, message(make_order(account.shop)))
    process()
    late = make_callback(account, message(make_order(account.shop)), utcnow() - timedelta(minutes=2))
    late.due_at = late.received_at
    db.session.commit()
    told = read(client)
    assert told["unprocessed", (Reason.amount_mismatch,)] == 1
    assert told["unprocessed", (metrics.NOT_LOOKED_AT,)] == told["due", (Lane.plain,)] == 1
    assert told["unprocessed", (Reason.crashed,)] == told["due", (Lane.asking,)] == 0
    assert told["unprocessed_oldest_timestamp_seconds", (metrics.NOT_LOOKED_AT,)] == late.received_at.timestamp()
    assert told["due_oldest_seconds", (Lane.plain,)] >= 120
    assert told["processing_seconds", ("0.5",)] >= 0


def test_what_came_is_counted_the_same_before_and_after_its_hours_are_kept(
    client: FlaskClient, account: GatewayAccount
) -> None:
    for hours in (30, 5, 0):
        make_callback(account, message(), utcnow() - timedelta(hours=hours))
    make_callback(make_account(account.shop), message())
    before = read(client)
    assert before["received_total", ("stripe",)] == 4
    arrivals.keep(utcnow())
    db.session.commit()
    assert read(client)["received_total", ("stripe",)] == 4
    make_callback(account, message())
    assert read(client)["received_total", ("stripe",)] == 5


def test_calls_that_were_turned_away_are_counted(client: FlaskClient, account: GatewayAccount) -> None:
    door().turned_away.count(account.shop_id, account.id, WrongCall.token)
    door().turned_away.close()  # written
    told = read(client)
    assert (told["turned_away_total", (WrongCall.token,)], told["turned_away_total", (WrongCall.path,)]) == (1, 0)


def test_every_label_is_one_of_ours(client: FlaskClient, account: GatewayAccount) -> None:
    """Nothing that was sent, entered or named: so their number is bounded, and none leaks."""
    make_callback(account, message("4111111111111111"))
    process()
    quantiles = {str(part) for part in metrics.QUANTILES}
    ours = {*Reason, *Lane, *WrongCall, *GATEWAYS, *quantiles, metrics.NOT_LOOKED_AT, "delivery", "alert"}
    labels = {label for name, labels in read(client) for label in labels if name != "info"}
    assert labels <= ours


def test_with_the_database_away_the_rest_is_told(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    def takes_nothing(*_: object) -> None:
        raise psycopg.OperationalError("gone")

    monkeypatch.setattr(metrics, "_pulses", away)
    monkeypatch.setattr(Line, "try_out", takes_nothing)
    told = read(client)
    assert told["stores", ()] == 0
    assert ("unprocessed", (Reason.crashed,)) not in told


@pytest.fixture
def statements(app: Flask) -> Iterator[list[tuple[str, Any]]]:
    found: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        found.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    yield found
    event.remove(db.engine, "before_cursor_execute", note)


def test_no_figure_reads_all_callbacks(
    client: FlaskClient, account: GatewayAccount, statements: list[tuple[str, Any]]
) -> None:
    long_history(account, every_s=600)
    arrivals.keep(utcnow())
    db.session.commit()
    statements.clear()
    read(client)
    asked = [one for one in statements if "callbacks" in one[0]]
    assert len(asked) >= 4
    for statement, parameters in asked:
        plan = "\n".join(
            line for (line,) in db.session.connection().exec_driver_sql(f"EXPLAIN {statement}", parameters)
        )
        assert "Seq Scan on callbacks" not in plan, plan


@pytest.mark.parametrize("page", ["grafana.json", "operate.md"])
def test_the_pages_name_figures_that_there_are(client: FlaskClient, account: GatewayAccount, page: str) -> None:
    make_callback(account, message(make_order(account.shop)))
    process()
    text = (Path(__file__).parent.parent / "docs" / page).read_text()
    named = set(re.findall(r"\bshopcallbacks_([a-z_]+)", text))
    assert len(named) >= 5
    oldest = {"unprocessed_oldest_timestamp_seconds"}  # of what waits, and nothing does
    assert named - oldest <= {name for name, _ in read(client)}


def test_the_dashboards_panels_have_places_and_numbers_of_their_own() -> None:
    board = json.loads((Path(__file__).parent.parent / "docs" / "grafana.json").read_text())
    ids = [panel["id"] for panel in board["panels"]]
    places = [tuple(panel["gridPos"].values())[:2] for panel in board["panels"]]
    assert len(set(ids)) == len(set(places)) == len(board["panels"]) >= 10
