"""From requests in the callbacks' own rows to a table of their own: nothing is moved, and nothing is missed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import select, text

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.callbacks.requests import requests_of
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.values import Request
from shopcallbacks.extensions import db
from shopcallbacks.receiving.keeping import Keeper
from shopcallbacks.receiving.line import Line

from .former import add_account, arriving
from .test_sessions import before


@pytest.fixture
def keeper(empty_app: Flask) -> Iterator[Keeper]:
    line = Line(empty_app.config)
    found = Keeper([line])
    yield found
    found.close()
    line.close()


def kept_by_former(shop: int, account: int, number: int) -> None:
    statement, values = arriving(shop, account, number)
    connection = db.session.connection().connection
    connection.cursor().execute(statement, values)
    db.session.commit()


def bodies() -> list[bytes]:
    found = requests_of(
        [(row.id, row.received_at) for row in db.session.execute(select(Callback.id, Callback.received_at))]
    )
    db.session.rollback()
    return [found[id_].body for id_ in sorted(found)]


def test_what_either_release_keeps_is_read_while_both_run_and_after_a_way_back(
    empty_app: Flask, keeper: Keeper
) -> None:
    upgrade(revision=before("0022"))
    shop, account = add_account()
    db.session.commit()
    kept_by_former(shop, account, 1)
    upgrade(revision="0022")
    kept_by_former(shop, account, 2)  # by a web process that was not replaced yet
    call = Request("POST", "/x", b"q=1", (("X-Twice", "b"), ("X-Twice", "a")), b"3", "192.0.2.1", utcnow())
    ids = [keeper.keep(call, account, shop, False) for _ in range(2)]
    assert bodies() == [b"1", b"2", b"3", b"3"]
    assert db.session.scalar(text("SELECT count(*) FROM bodies")) == 1
    db.session.rollback()
    downgrade(revision=before("0022"))
    row = db.session.execute(text("SELECT path, query, headers, body FROM callbacks WHERE id = :id"), {"id": ids[1]})
    assert tuple(row.one()) == ("/x", b"q=1", [["X-Twice", "b"], ["X-Twice", "a"]], b"3")
    assert db.session.scalar(text("SELECT count(*) FROM callbacks WHERE body IS NULL OR address IS NULL")) == 0
    db.session.rollback()
