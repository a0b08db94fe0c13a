"""Callbacks received, beside a bare Flask view that does one durable INSERT, both under the product's web server."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg

from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import GatewayAccount

from .bare import TABLE
from .load import Told, handed_in, load, most
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
            other, ours = _in_turns(bare, web, path, account)
            yield Line("callbacks received", BARE, "/s", _of(ours, "rate"), _of(other, "rate"), 0.9)
            cpu = _of(ours, "cpu"), _of(other, "cpu")
            yield Line("processor of the web server, each", BARE, "ms", *cpu, 1.2, less_is_better=True)
            p99 = _of(ours, "p99"), _of(other, "p99")
            yield Line("its answer, p99", BARE, "ms", *p99, 1.5, less_is_better=True)
            with working(environ):
                other, ours = _in_turns(bare, web, path, account)
            yield Line("received while a worker processes", BARE, "/s", _of(ours, "rate"), _of(other, "rate"), 0.5)


def _in_turns(bare: Web, web: Web, path: str, account: GatewayAccount) -> tuple[list[Told], list[Told]]:
    """Orders are there for all, so that a worker opens them."""
    other, ours = [], []
    for _ in range(ROUNDS):
        prefix = handed_in(account, most())
        other.append(load(bare, path))
        ours.append(load(web, path, prefix=prefix))
    return other, ours


def _of(rounds: list[Told], name: str) -> list[float]:
    return [getattr(one, name) for one in rounds]
