"""The judge shows what there is of an order that ended otherwise."""

from __future__ import annotations

from typing import Any, cast

import psycopg
from flask import Flask

from dev.chaos.judge import Judge
from dev.chaos.record import Record
from dev.chaos.stage import Stage
from dev.chaos.stories import End, Story
from shopcallbacks.extensions import db

from ..factories import make_account, make_callback, message


class FromOutside:
    def __init__(self, url: str) -> None:
        self._url = url

    def ask(self, query: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with psycopg.connect(self._url) as connection:
            return connection.execute(query, parameters).fetchall()


def test_callbacks_that_name_no_order_yet_are_shown_by_their_body(app: Flask, environ: dict[str, str]) -> None:
    account = make_account()
    callback = make_callback(account, message("C1"))
    make_callback(account, message("C11"))
    db.session.commit()
    record = Record(finished=[Story("paid", ("C1",), (), (End("open", 5990, payments=1),))])
    judge = Judge(cast(Stage, FromOutside(environ["DATABASE_URL"])), record)
    judge._orders()
    (told,) = judge.faults["wrong order"]
    assert told.startswith(f"paid C1: None, not ('open', 5990, 0, 1); [({callback.id}, 'received', ")
    assert told.count("'received'") == 1
