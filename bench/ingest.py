"""Callbacks received, beside a bare Flask view that does one durable INSERT, both under the product's web server."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg

from shopcallbacks.extensions import db

from .bare import TABLE
from .load import Told, load
from .place import place
from .table import ROUNDS, Line, Row
from .web import Web, serving, working

BARE = "a bare view, one durable INSERT"


def measure() -> Iterator[Row]:
    with place() as (_, account, environ):
        with psycopg.connect(environ["DATABASE_URL"], autocommit=True) as connection:
            connection.execute(TABLE)
        path = urlsplit(account.callback_url).path
        db.session.rollback()
        with serving("app:app", environ) as web, serving("bench.bare:app", environ) as bare:
            other, ours = _in_turns(bare, web, path)
            yield Line("callbacks received", BARE, "/s", _of(ours, "rate"), _of(other, "rate"), 0.9)
            cpu = _of(ours, "cpu"), _of(other, "cpu")
            yield Line("processor of the web server, each", BARE, "ms", *cpu, 1.2, less_is_better=True)
            p99 = _of(ours, "p99"), _of(other, "p99")
            yield Line("its answer, p99", BARE, "ms", *p99, 1.5, less_is_better=True)
            with working(environ):
                other, ours = _in_turns(bare, web, path)
            yield Line("received while a worker processes", BARE, "/s", _of(ours, "rate"), _of(other, "rate"), 0.5)


def _in_turns(bare: Web, web: Web, path: str) -> tuple[list[Told], list[Told]]:
    pairs = [(load(bare, path), load(web, path)) for _ in range(ROUNDS)]
    return [one for one, _ in pairs], [two for _, two in pairs]


def _of(rounds: list[Told], name: str) -> list[float]:
    return [getattr(one, name) for one in rounds]
