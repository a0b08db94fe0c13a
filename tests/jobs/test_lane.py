"""The worker of a lane runs what is on its list and nothing else, whoever may write to Redis."""

from __future__ import annotations

import json
import logging
import os
import pickle
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from redis import Redis as RedisClient
from rq import Callback as RqCallback
from rq import Queue
from rq.serializers import JSONSerializer

from dev.services import Redis
from shopcallbacks.bells import CALLS, enqueue
from shopcallbacks.domain.states import Lane, State
from shopcallbacks.extensions import db
from shopcallbacks.gateways import GATEWAYS
from shopcallbacks.jobs import drain, lane
from shopcallbacks.jobs.lane import KNOWN, LaneWorker
from shopcallbacks.jobs.sweeps import SWEEPS, begin_sweeps
from shopcallbacks.processing import pipeline

from ..factories import make_account, make_callback, make_order, message


@pytest.fixture
def redis(app: Flask, redis_server: Redis) -> Iterator[RedisClient]:
    with RedisClient.from_url(redis_server.url) as connection:
        yield connection


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[Any, ...]]]:
    """What the workers ran, in place of running it."""
    found: list[tuple[str, tuple[Any, ...]]] = []
    for call in KNOWN:
        monkeypatch.setitem(lane.KNOWN, call, lambda *args, call=call: found.append(call))
    return found


def work(redis: RedisClient, name: str = Lane.plain) -> None:
    """Everything that waits in the lane."""
    LaneWorker(name, redis).work(burst=True, logging_level="WARNING")


def put(redis: RedisClient, data: bytes, lane: str = Lane.plain, **more: Any) -> None:
    """A job, as somebody puts it there who knows RQ's keys."""
    redis.hset("rq:job:planted", mapping={"data": data, "origin": lane, "status": "queued", **more})
    redis.rpush(f"rq:queue:{lane}", "planted")


def test_each_bell_and_each_sweep_is_run_by_its_lane(redis: RedisClient, ran: list[Any]) -> None:
    for call in CALLS.values():
        enqueue(redis, call)
    begin_sweeps(redis, every=5)
    for name in ("callbacks", "asking", "outgoing"):
        work(redis, name)
    assert sorted(map(str, ran)) == sorted(str(call[1:]) for call in (*CALLS.values(), *SWEEPS))


class Planted:
    """Runs when a pickle of it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("pack", [zlib.compress, bytes], ids=["packed", "plain"])
def test_a_pickle_is_never_read(
    redis: RedisClient, ran: list[Any], tmp_path: Path, caplog: pytest.LogCaptureFixture, pack: Any
) -> None:
    proof = tmp_path / "ran"
    payload = pickle.dumps(Planted(proof))
    put(redis, pack(payload), meta=payload, result=payload)
    enqueue(redis, CALLS[Lane.plain])
    work(redis)
    assert not proof.exists()
    assert ran == [("shopcallbacks.jobs.drain", (False,))]  # what waits behind it is not held up
    assert "none of ours" in caplog.text


@pytest.mark.parametrize(
    "call",
    [
        ["os.mkdir", None, ["PROOF"], {}],
        ["os.system", None, ["mkdir PROOF"], {}],
        ["mkdir", "os", ["PROOF"], {}],
        ["shopcallbacks.jobs.drain", None, ["PROOF"], {}],
        ["shopcallbacks.jobs.drain", None, [False], {"asks": True}],
        ["shopcallbacks.jobs.drain", None, [{"a": 1}], {}],
        ["shopcallbacks.jobs.drain", None, None, {}],
        [None, None, [], {}],
        ["too", "short"],
        "text",
    ],
    ids=str,
)
def test_no_function_runs_but_those_of_the_list_with_their_own_arguments(
    redis: RedisClient, ran: list[Any], tmp_path: Path, call: Any
) -> None:
    proof = tmp_path / "ran"
    put(redis, zlib.compress(json.dumps(call).replace("PROOF", str(proof)).encode()))
    work(redis)
    assert not proof.exists()
    assert ran == []
    assert not redis.exists("rq:job:planted")


hung: list[Any] = []


def test_callbacks_and_webhooks_that_somebody_hung_on_a_job_are_not_run(redis: RedisClient, ran: list[Any]) -> None:
    queue = Queue(Lane.plain, connection=redis, serializer=JSONSerializer)
    named = RqCallback(f"{__name__}.hung.append")
    job = queue.enqueue("shopcallbacks.jobs.drain", False, on_success=named, on_failure=named, on_stopped=named)
    redis.hset(job.key, "webhooks", json.dumps([{"url": "http://127.0.0.1:9/"}]))
    work(redis)
    assert len(ran) == 1
    assert hung == []
    assert not list(redis.scan_iter("rq:job:*"))


def test_jobs_of_the_last_release_are_dropped_and_the_sweep_does_their_work(redis: RedisClient) -> None:
    account = make_account()
    callback = make_callback(account, message(make_order(account.shop)))
    Queue(Lane.plain, connection=redis).enqueue("shopcallbacks.jobs.drain", False)  # as it was: pickled
    work(redis)
    db.session.expire_all()
    assert callback.attempt_count == 0
    begin_sweeps(redis, every=5)
    work(redis)
    db.session.expire_all()
    assert callback.attempt_count == 1


def test_a_job_that_fails_leaves_nothing_of_it_in_redis_and_the_next_one_runs(
    redis: RedisClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[bool] = []

    def fails(asks: bool) -> None:
        raise ValueError("secret-in-an-error")

    monkeypatch.setitem(lane.KNOWN, ("shopcallbacks.jobs.drain", (False,)), fails)
    monkeypatch.setitem(lane.KNOWN, ("shopcallbacks.jobs.bulk", ()), lambda: done.append(True))
    enqueue(redis, CALLS[Lane.plain])
    enqueue(redis, CALLS["bulk"])
    with caplog.at_level(logging.ERROR):
        work(redis)
    assert done == [True]
    assert "The job shopcallbacks.jobs.drain failed" in caplog.text
    kept = [redis.dump(key) or b"" for key in redis.scan_iter()]
    assert not [value for value in kept if b"secret-in-an-error" in value]


def test_a_job_whose_time_is_over_blames_no_callback_for_it(
    redis: RedisClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    callback = make_callback(make_account(), message("251123-1"))
    db.session.commit()
    tried: list[object] = []

    def breaks_together_and_takes_for_ever_alone(claimed: object) -> None:
        tried.append(claimed)
        if len(tried) == 1:
            raise ValueError
        time.sleep(60)

    monkeypatch.setattr(lane, "JOB_S", 1)
    monkeypatch.setattr(pipeline, "process", breaks_together_and_takes_for_ever_alone)
    enqueue(redis, CALLS[Lane.plain])
    work(redis)
    db.session.expire_all()
    assert (len(tried), callback.state, callback.reason) == (2, State.received, None)
    assert "The job shopcallbacks.jobs.drain failed" in caplog.text


def test_nor_where_it_is_over_while_one_is_examined(redis: RedisClient, monkeypatch: pytest.MonkeyPatch) -> None:
    callback = make_callback(make_account(), message("251123-1"))
    db.session.commit()
    monkeypatch.setattr(lane, "JOB_S", 1)
    monkeypatch.setattr(type(GATEWAYS["stripe"]), "verify", lambda *_: time.sleep(60))
    enqueue(redis, CALLS[Lane.plain])
    work(redis)
    db.session.expire_all()
    assert (callback.state, callback.reason) == (State.received, None)


def test_the_names_in_redis_are_those_of_the_jobs_door() -> None:
    assert KNOWN[("shopcallbacks.jobs.drain", (True,))] is drain
