"""Counting what is turned away costs one write a key and second, however much comes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import select

from shopcallbacks.callbacks.refusals import Refusal
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.states import WrongCall
from shopcallbacks.extensions import db
from shopcallbacks.receiving.line import Line
from shopcallbacks.receiving.turned_away import TurnedAway

from ..factories import make_account
from ..processes import until


@pytest.fixture
def turned_away(app: Flask) -> Iterator[TurnedAway]:
    line = Line(app.config)
    found = TurnedAway(line)
    yield found
    found.close()
    line.close()


def test_a_flood_is_counted_exactly_and_written_a_few_times(
    turned_away: TurnedAway, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, begun = make_account(), utcnow()
    real, writes = Line.run, []

    def run(self: Line, statement: bytes, values: tuple[object, ...]) -> object:
        writes.append(values)
        return real(self, statement, values)

    monkeypatch.setattr(Line, "run", run)
    keys = [(account.shop_id, account.id, WrongCall.token), (account.shop_id, None, WrongCall.path)]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5_000):
            for key in keys:
                pool.submit(turned_away.count, *key)
    until(lambda: sorted(counts()) == [5_000, 5_000])
    assert len(writes) < 40  # two keys, a write a second each
    for one in db.session.scalars(select(Refusal)):
        assert begun <= one.first_at <= one.last_at <= utcnow()


def counts() -> list[int]:
    db.session.rollback()
    return list(db.session.scalars(select(Refusal.count)))


def test_what_comes_later_is_added_and_the_first_time_stays(turned_away: TurnedAway) -> None:
    account = make_account()
    turned_away.count(account.shop_id, account.id, WrongCall.method)
    until(lambda: counts() == [1])
    first = db.session.scalars(select(Refusal)).one()
    at = first.first_at, first.last_at
    turned_away.count(account.shop_id, account.id, WrongCall.method)
    until(lambda: counts() == [2])
    again = db.session.scalars(select(Refusal).execution_options(populate_existing=True)).one()
    assert again.first_at == at[0]
    assert again.last_at > at[1]
