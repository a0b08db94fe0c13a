"""What was decided holds, whatever becomes of what is done behind its commit."""

from __future__ import annotations

import logging

import pytest
from flask import Flask

from shopcallbacks.callbacks import due
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.callbacks.due import Due
from shopcallbacks.domain.states import State
from shopcallbacks.extensions import db
from shopcallbacks.jobs.transactions import alone, together
from shopcallbacks.processing import pipeline
from shopcallbacks.processing.deciding import Desk

from ..factories import make_account, make_callback, make_order, message


@pytest.fixture
def ids(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Two callbacks of orders that are there, while whoever looks behind a commit breaks."""

    def breaks(_: Desk) -> bool:
        raise RuntimeError

    account = make_account()
    made = [make_callback(account, message(make_order(account.shop))).id for _ in range(2)]
    monkeypatch.setattr(pipeline, "look_behind", breaks)
    db.session.rollback()
    return made


def states(ids: list[int]) -> list[State]:
    db.session.expire_all()
    return [db.session.get_one(Callback, id_).state for id_ in ids]


def process_one(one: Due) -> Desk | None:
    return pipeline.process([one])


def test_a_batch_is_not_taken_one_by_one_for_what_broke_behind_its_commit(
    ids: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert together(ids, lambda: pipeline.process(due.claim_these(ids)), process_one) == ids
    assert states(ids) == [State.processed, State.processed]
    assert [record.getMessage() for record in caplog.records] == [
        "What others missed is left to the sweeps: RuntimeError"
    ]


def test_a_callback_that_was_decided_is_not_said_to_have_broken_our_code(
    ids: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert alone(ids[0], process_one)
    assert states(ids) == [State.processed, State.received]
    assert "broke our code" not in caplog.text
