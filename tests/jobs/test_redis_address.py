"""Redis as it is reached: closed by a password, and by TLS; and the bell that is rung there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from redis import Redis as RedisClient

from dev.services import Redis
from shopcallbacks.bells import CALLS, Bell
from shopcallbacks.domain.states import Lane
from shopcallbacks.jobs import lane
from shopcallbacks.jobs.lane import LaneWorker

from ..tls import make_certificate, tls_before

PASSWORD = "p@ss:word/1"
SPELLED = "p%40ss%3Aword%2F1"


@pytest.fixture
def closed(app: object, redis_server: Redis) -> Iterator[Redis]:
    """It answers nobody without the password."""
    with RedisClient.from_url(redis_server.url) as connection:
        connection.config_set("requirepass", PASSWORD)
    yield redis_server
    with RedisClient.from_url(redis_server.url, password=PASSWORD) as connection:
        connection.config_set("requirepass", "")


def rung(url: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether a bell that is rung there is answered by a worker there."""
    ran: list[bool] = []
    monkeypatch.setitem(lane.KNOWN, ("shopcallbacks.jobs.drain", (False,)), ran.append)
    bell = Bell(url)
    bell.ring(Lane.plain)
    with RedisClient.from_url(url) as connection:
        LaneWorker(CALLS[Lane.plain][0], connection).work(burst=True, logging_level="WARNING")
    alive = bell.alive
    bell.close()
    return alive and ran == [False]


def test_a_redis_with_a_password_is_rung(closed: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    assert rung(f"redis://:{SPELLED}@127.0.0.1:{closed.port}/0", monkeypatch)
    assert not Bell(closed.url).alive


def test_a_redis_behind_tls_is_rung_and_its_certificate_is_checked(
    closed: Redis, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    certificate = make_certificate(tmp_path)
    with tls_before(closed.port, certificate) as port:
        url = f"rediss://:{SPELLED}@127.0.0.1:{port}/0"
        assert rung(f"{url}?ssl_ca_certs={certificate}", monkeypatch)
        assert not Bell(url).alive


def test_a_bell_has_rung_until_it_is_answered_and_where_nobody_knows(app: object, redis_server: Redis) -> None:
    with closing(Bell(redis_server.url)) as bell:
        bell.answer(Lane.asking)
        assert not bell.rung(Lane.asking)
        bell.ring(Lane.asking)
        assert bell.rung(Lane.asking)
        assert not bell.rung(Lane.plain)
        bell.answer(Lane.asking)
        assert not bell.rung(Lane.asking)
    with closing(Bell("redis://127.0.0.1:1/0")) as lost:
        assert lost.rung(Lane.asking)
        assert lost.rung(Lane.asking), "and it is not asked again at once"
