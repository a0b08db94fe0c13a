"""GET /health and /readyz."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import OperationalError

from shopcallbacks import schema
from shopcallbacks.bells import Bell
from shopcallbacks.clock import utcnow
from shopcallbacks.dashboard.pulse import ALIVE_FOR, Pulse
from shopcallbacks.extensions import db
from shopcallbacks.receiving.door import door
from shopcallbacks.receiving.line import Line
from shopcallbacks.receiving.probe import ProbeRow


def test_all_is_well(client: FlaskClient) -> None:
    Pulse.beat("callbacks")
    db.session.commit()
    response = client.get("/health")
    assert response.status_code == 200
    assert response.json == {"database": "ok", "redis": "ok", "back_up": "ok", "worker": "ok", "worker_seen_s": 0}


def test_no_worker_was_ever_seen(client: FlaskClient) -> None:
    told = client.get("/health").json
    assert (told["worker"], told["worker_seen_s"]) == ("never seen", None)


def test_a_worker_that_stopped_is_told(client: FlaskClient) -> None:
    Pulse.beat("callbacks")
    Pulse.beat("asking")
    db.session.execute(
        update(Pulse).where(Pulse.lane == "asking").values(seen_at=utcnow() - ALIVE_FOR - timedelta(seconds=1))
    )
    db.session.commit()
    response = client.get("/health")
    assert (response.status_code, response.json["worker"]) == (200, "stopped")


def takes_nothing(*args: object) -> None:
    raise psycopg.errors.DiskFull("could not extend file: No space left on device")


def test_it_is_503_while_nothing_can_be_kept_and_200_again_after(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Line, "try_out", takes_nothing)
        response = client.get("/health")
        assert (response.status_code, response.json["database"]) == (503, "takes nothing")
    door().probe.forget()  # what it knows for some seconds
    assert client.get("/health").status_code == 200


def test_however_often_it_is_asked_it_is_tried_out_once(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.get("/health").status_code == 200
    monkeypatch.setattr(Line, "try_out", takes_nothing)
    assert client.get("/health").status_code == 200


def test_nothing_is_left_of_trying_it_out(client: FlaskClient) -> None:
    assert client.get("/health").status_code == 200
    assert db.session.scalar(select(func.count(ProbeRow.id))) == 0


def test_screens_that_hold_all_connections_are_no_reason_to_say_that_nothing_is_kept(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise OperationalError("SELECT 1", {}, Exception("no connection is free"))

    monkeypatch.setattr(Pulse, "last", away)
    response = client.get("/health")
    assert (response.status_code, response.json["worker"]) == (200, "unknown")


def at_revision(revision: str) -> None:
    db.session.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
    db.session.commit()


@pytest.fixture
def newest(client: FlaskClient) -> Iterator[str]:
    """The revision that the database is at, and is at again afterwards."""
    (revision,) = schema.heads()
    yield revision
    db.session.rollback()
    at_revision(revision)


def test_it_is_ready_without_redis_and_without_a_worker(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Bell, "alive", False)
    response = client.get("/readyz")
    assert (response.status_code, response.json) == (200, {"database": "ok", "migrations": "ok"})


def test_it_is_not_ready_while_nothing_can_be_kept(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Line, "try_out", takes_nothing)
    response = client.get("/readyz")
    assert (response.status_code, response.json["database"]) == (503, "takes nothing")


def test_it_is_not_ready_before_its_own_migrations_and_stays_so_beside_a_newer_release(
    client: FlaskClient, newest: str
) -> None:
    at_revision(min(schema.known()[0] - {newest}))
    response = client.get("/readyz")
    assert (response.status_code, response.json["migrations"]) == (503, "behind")
    at_revision("of a newer release")
    assert client.get("/readyz").status_code == 200
