"""GET /health."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from shopcallbacks.dashboard.pulse import Pulse
from shopcallbacks.extensions import db


def test_all_is_well(client: FlaskClient) -> None:
    Pulse.beat("callbacks")
    db.session.commit()
    response = client.get("/health")
    assert (response.status_code, response.json) == (200, {"database": "ok", "redis": "ok", "worker_seen_s": 0})


def test_no_worker_was_ever_seen(client: FlaskClient) -> None:
    assert client.get("/health").json["worker_seen_s"] is None


def test_without_the_database_it_is_503(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError("SELECT 1", {}, Exception("connection refused"))

    monkeypatch.setattr(Pulse, "last", away)
    response = client.get("/health")
    assert (response.status_code, response.json["database"]) == (503, "away")
