from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from flask import Flask

from dev.services import Postgres
from shopcallbacks.domain.values import Answer
from shopcallbacks.extensions import db
from shopcallbacks.gateways import GATEWAYS

from ..processing.saying import Saying
from .scene import AskedSaying
from .stepping import watched


@pytest.fixture
def refused(app: Flask, postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What the database refused meanwhile, which tells a ring of locks almost at once; and every gateway says yes."""
    monkeypatch.setitem(GATEWAYS, "saying", Saying())
    monkeypatch.setitem(GATEWAYS, "asked_saying", AskedSaying())
    monkeypatch.setitem(app.extensions, "ask", lambda question: Answer(200, b"yes"))
    url = postgres_server.url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER DATABASE test SET deadlock_timeout = '30ms'")
        db.engine.dispose()
        monkeypatch.setattr(db.engine.pool, "_max_overflow", 50)  # all writers may wait at once
        with watched() as found:
            yield found
        connection.execute("ALTER DATABASE test RESET deadlock_timeout")
        db.session.rollback()
        db.engine.dispose()
