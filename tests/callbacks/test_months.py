"""The months that requests stand in: made ahead, archived, brought back; and screens say so meanwhile."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis as RedisClient
from sqlalchemy import func, select, text

from dev.services import POSTGRES_BIN, Postgres, libpq
from shopcallbacks.callbacks import months
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.callbacks.months import Month
from shopcallbacks.callbacks.requests import KeptBody, KeptRequest
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.errors import Refused
from shopcallbacks.domain.states import State, Verb
from shopcallbacks.extensions import db
from shopcallbacks.moving_in.callbacks import Kept, keep
from shopcallbacks.panel.search.index import read_terms
from shopcallbacks.processing.foresight import foresee
from shopcallbacks.shops.users import Role

from ..conftest import empty
from ..factories import (
    log_in,
    make_account,
    make_callback,
    make_order,
    make_user,
    message,
    process,
    request_for,
    request_of,
)

MARCH = Month(datetime(2024, 3, 1, tzinfo=UTC).date())
IN_MARCH = datetime(2024, 3, 31, 23, 59, 59, tzinfo=UTC)
SAYS_SO = "kept in the archive of March 2024"

Run = Callable[..., Result]


@pytest.fixture
def flask(app: Flask) -> Run:
    def run(*words: str, code: int = 0) -> Result:
        db.session.commit()
        result = app.test_cli_runner().invoke(args=["requests", *words])
        db.session.expire_all()
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.fixture
def march(app: Flask, postgres_server: Postgres, redis_client: RedisClient) -> Iterator[Month]:
    """It has parts of its own, and is in use before and after."""
    db.session.execute(select(func.make_month(MARCH.first)))
    db.session.commit()
    yield MARCH
    db.session.rollback()
    if not months.is_attached(db.session.connection(), MARCH):
        empty(app, postgres_server, redis_client)  # beside what came since it would be refused
        months.attach(db.session.connection(), MARCH)
        db.session.commit()


@pytest.fixture
def callback(march: Month) -> Callback:
    """A processed one of March."""
    account = make_account()
    found = make_callback(account, message(make_order(account.shop, "251123-7")), IN_MARCH)
    process()
    assert found.state is State.processed
    return found


def fresh(id_: int) -> Callback:
    db.session.expunge_all()
    return db.session.get_one(Callback, id_)


def part_of(table: str) -> str:
    return str(db.session.scalar(text(f"SELECT tableoid::regclass::text FROM {table}")))


def test_the_months_to_come_have_their_parts_ahead_of_time(app: Flask) -> None:
    year = datetime(2031, 12, 31, 23, 59, tzinfo=UTC)
    assert not months.is_attached(db.session.connection(), Month.of(year))
    for _ in range(2):  # each sweep looks again
        months.make_ahead(year)
    names = [name for name, attached, _ in months.parts(db.session.connection()) if attached]
    assert {"requests_2031_12", "bodies_2031_12", "requests_2032_01", "requests_2032_02", "bodies_2032_02"} <= set(
        names
    )
    assert "requests_2032_03" not in names


def test_what_comes_in_a_month_without_a_part_is_kept_all_the_same(app: Flask) -> None:
    came = make_callback(make_account(), message("nowhere"), datetime(2019, 5, 5, tzinfo=UTC))
    assert (part_of("requests"), part_of("bodies")) == ("requests_default", "bodies_default")
    db.session.execute(select(func.make_month(Month.of(came.received_at).first)))  # too late: it stays where it is
    db.session.commit()
    assert part_of("requests") == "requests_default"
    assert request_of(fresh(came.id)).arrived_at == came.received_at


def test_a_month_is_read_or_refused_with_a_sentence() -> None:
    assert (Month.read("2024-12").next, str(MARCH), MARCH.archive) == (
        Month.read("2025-01"),
        "2024-03",
        "the archive of March 2024",
    )
    for written in ("2024-13", "2024-3", "march", "0000-01", "2024-03-01"):
        with pytest.raises(ValueError, match="Write it like 2024-03"):
            Month.read(written)


def test_a_month_is_taken_away_screens_say_so_and_brought_back_it_is_the_same_to_the_byte(
    callback: Callback, flask: Run, client: FlaskClient
) -> None:
    id_, before = callback.id, request_of(callback)
    assert (part_of("requests"), part_of("bodies")) == tuple(MARCH.parts.values())
    log_in(client, make_user(Role.admin, callback.account.shop))
    assert SAYS_SO not in client.get(f"/callbacks/{id_}").text

    assert "requests_2024_03 and bodies_2024_03" in flask("detach", "2024-03").output
    assert fresh(id_).request is None
    for path in ("", "?part=headers", "?part=bytes", "/evidence"):
        page = client.get(f"/callbacks/{id_}{path}")
        assert (page.status_code, SAYS_SO in " ".join(page.text.split())) == (200, True), path
    assert client.get(f"/callbacks/{id_}/original").location == f"/callbacks/{id_}"
    assert "Whoever runs this installation can bring it back" in client.get(f"/callbacks/{id_}").text
    assert "251123-7" in client.get("/callbacks?tab=all").text
    assert client.get("/callbacks.csv?tab=all").text.count("\r\n") == 2
    assert [one.terms for one in read_terms([id_])] != [[]]
    assert "in the archive" in flask("list").output

    flask("attach", "2024-03")
    assert fresh(id_).request == before
    assert SAYS_SO not in client.get(f"/callbacks/{id_}").text
    assert "in the archive" not in flask("list").output


def test_a_month_is_not_brought_back_beside_what_was_kept_of_it_since(callback: Callback, flask: Run) -> None:
    """PostgreSQL would refuse it, in words of its own."""
    flask("detach", "2024-03")
    make_callback(callback.account, message("late"), IN_MARCH)
    refused = flask("attach", "2024-03", code=1)
    assert "Some of 2024-03 stands in requests_default, beside which it can't be brought back." in refused.output


def test_a_month_dumped_dropped_and_loaded_again_is_the_same(
    callback: Callback, flask: Run, app: Flask, tmp_path: Path
) -> None:
    id_, before, dump = callback.id, request_of(callback), str(tmp_path / "2024-03.dump")
    url = libpq(app.config["SQLALCHEMY_DATABASE_URI"])
    flask("detach", "2024-03")
    tables = [word for part in MARCH.parts.values() for word in ("-t", part)]
    subprocess.run([POSTGRES_BIN / "pg_dump", "-Fc", *tables, "-f", dump, url], check=True)
    db.session.execute(text(f"DROP TABLE {', '.join(MARCH.parts.values())}"))
    db.session.commit()
    try:
        assert "Load it from its dump first" in flask("attach", "2024-03", code=1).output
    finally:
        subprocess.run([POSTGRES_BIN / "pg_restore", "-d", url, dump], check=True)
    flask("attach", "2024-03")
    assert fresh(id_).request == before
    with pytest.raises(Exception, match="kept for ever"):
        db.session.execute(text(f"DELETE FROM {MARCH.parts['requests']}"))


def test_a_month_is_not_taken_away_before_it_is_over_nor_while_anything_of_it_waits(march: Month, flask: Run) -> None:
    now = Month.of(utcnow())
    assert f"{now} is not over yet" in flask("detach", str(now), code=1).output
    waits = make_callback(make_account(), message("nowhere"), IN_MARCH)
    assert "Deal with what waits of 2024-03 first: 1 callback." in flask("detach", "2024-03", code=1).output
    process()
    db.session.refresh(waits)
    assert waits.state is State.unprocessed
    assert "Deal with what waits of 2024-03 first: 1 callback." in flask("detach", "2024-03", code=1).output
    assert "2024-03 is not in the archive" in flask("attach", "2024-03", code=1).output
    assert "has no part here" in flask("detach", "2023-07", code=1).output
    assert "Write it like 2024-03" in flask("detach", "yesterday", code=1).output


def test_a_month_with_imported_callbacks_that_nobody_looked_at_is_not_taken_away(march: Month, flask: Run) -> None:
    account = make_account()
    keep([Kept(request_for(account, message("nowhere"), IN_MARCH))], account, db.session.commit)
    assert "Deal with what waits of 2024-03 first: 1 callback." in flask("detach", "2024-03", code=1).output


def test_imported_callbacks_of_a_month_in_the_archive_are_skipped_and_told(march: Month, app: Flask) -> None:
    """As the release before let it be taken away."""
    account = make_account()
    moments = IN_MARCH, IN_MARCH, IN_MARCH - timedelta(days=60)
    found = [Kept(request_for(account, message(f"26-{n}"), at)) for n, at in enumerate(moments)]
    keep(found, account, db.session.commit)
    for kept, part in march.parts.items():
        db.session.execute(text(f"ALTER TABLE {kept} DETACH PARTITION {part}"))
    db.session.commit()
    for asked_for in ("1 callback", "0 callbacks"):
        result = app.test_cli_runner().invoke(args=["callbacks", "process-imported", account.shop.slug])
        assert result.exit_code == 1
        assert f"{asked_for}: an attempt is asked for" in result.output
        assert "2 skipped: Its request is kept in the archive of March 2024." in result.output


def test_what_reads_the_request_is_refused_while_it_is_in_the_archive(march: Month, flask: Run) -> None:
    shop = make_account().shop
    looked_at, never = (make_callback(make_account(shop), message(number), IN_MARCH) for number in ("a", "b"))
    manager = make_user(Role.manager, shop)
    never.do(Verb.remove, manager, "a test")
    process()
    looked_at.do(Verb.remove, manager, "a test")
    flask("detach", "2024-03")
    looked_at.do(Verb.restore, manager)
    db.session.commit()
    restored, removed = looked_at.id, never.id
    for id_, verb in ((restored, Verb.retry), (restored, Verb.force), (removed, Verb.restore)):
        with pytest.raises(Refused, match=SAYS_SO):
            fresh(id_).do(verb, None, "try")
    foreseen = foresee(fresh(restored), Verb.retry)
    assert foreseen is not None
    assert foreseen.failure is not None
    assert SAYS_SO in foreseen.failure.detail


def test_a_table_that_somebody_uses_is_left_alone_and_that_is_said(callback: Callback, flask: Run) -> None:
    with db.engine.begin() as other:
        other.execute(select(KeptRequest.callback_id))
        assert "Somebody else uses these tables" in flask("detach", "2024-03", code=1).output
    assert fresh(callback.id).request is not None


def test_a_body_that_comes_again_is_kept_once_a_day_and_each_request_by_itself(march: Month) -> None:
    account = make_account()
    said = request_of(make_callback(account, message("nowhere"), IN_MARCH))
    again = [make_callback(account, said) for _ in range(3)]
    make_callback(make_account(), said)  # of another account: nothing is shared
    count = select(func.count()).select_from
    assert (db.session.scalar(count(KeptRequest)), db.session.scalar(count(KeptBody))) == (5, 2)
    assert {request_of(one) for one in again} == {said}
