"""What is hidden stays hidden: after a day of everything the product does, errors too, no secret and no card number
stands in what is kept (but in what was received), told, mailed, logged or shown.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from redis import Redis as RedisClient
from sqlalchemy import text

from dev.services import Postgres, Redis
from shopcallbacks.config import SmtpServer
from shopcallbacks.extensions import Base, db
from shopcallbacks.logs import Formatter
from shopcallbacks.outgoing.http import Outgoing
from shopcallbacks.outgoing.mail import Mailer

from .conftest import empty
from .factories import request_of
from .life import (
    AS_AN_ID,
    AUTHORIZATION,
    COOKIE,
    ENDPOINT_KEY,
    IN_ADDRESS,
    IN_REQUESTS,
    SECRETS,
    STRIPE,
    WORLDPAY,
    Life,
    live,
)
from .receiver import MailBox, Receiver, http_receiver, mail_server

# Where the original stands: as received, for ever, on purpose. An account's token is what its callbacks are found by.
ORIGINAL = {"requests": {"path", "headers"}, "bodies": {"query", "body"}, "gateway_accounts": {"token"}}


@pytest.fixture(scope="module")
def app(bare_app: Flask, postgres_server: Postgres, redis_client: RedisClient) -> Iterator[Flask]:
    """One for all: the day is lived once, and then only looked at."""
    empty(bare_app, postgres_server, redis_client)
    with bare_app.app_context(), pytest.MonkeyPatch.context() as patch:
        patch.setitem(bare_app.extensions, "outgoing", Outgoing(allow_http=True, allow_private=True))
        yield bare_app
        db.session.rollback()


@pytest.fixture(scope="module")
def box(app: Flask) -> Iterator[MailBox]:
    with mail_server() as found, pytest.MonkeyPatch.context() as patch:
        patch.setitem(app.extensions, "mailer", Mailer(SmtpServer.read(found.url), "alerts@shop.example"))
        yield found


@pytest.fixture(scope="module")
def receiver(app: Flask) -> Iterator[Receiver]:
    with http_receiver() as found:
        yield found


@pytest.fixture(scope="module")
def redis(redis_server: Redis) -> Iterator[RedisClient]:
    with RedisClient.from_url(redis_server.url) as connection:
        connection.flushall()
        yield connection


@pytest.fixture(scope="module")
def log() -> Iterator[io.StringIO]:
    """Everything anybody logs, at every level, as it stands in a log."""
    written, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(written), root.level
    handler.setFormatter(Formatter("%(name)s %(levelname)s %(message)s"))
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture(scope="module")
def life(app: Flask, redis: RedisClient, receiver: Receiver, box: MailBox, log: io.StringIO) -> Life:
    lived = live(app, redis, receiver)
    _fail_to_store(lived)
    return lived


def _fail_to_store(life: Life) -> None:
    """A callback that the database does not take, as when its disk is full."""
    db.session.execute(text("ALTER TABLE bodies ADD CONSTRAINT full_disk CHECK (body = '') NOT VALID"))
    db.session.commit()
    try:
        sent = life.clients["nobody"].post(f"{life.stripe.callback_path}?card={IN_REQUESTS}", data=STRIPE)
        assert sent.status_code == 503
    finally:
        db.session.rollback()
        db.session.execute(text("ALTER TABLE bodies DROP CONSTRAINT full_disk"))
        db.session.commit()


def found_in(haystack: str, needles: Any) -> set[str]:
    """Those that stand there, in small letters or capitals; a card number in groups as well."""
    folded = haystack.lower()
    squeezed = re.sub(r"(?<=[0-9])[ -](?=[0-9])", "", folded)
    return {needle for needle in needles if needle.lower() in folded or needle.lower() in squeezed}


def plain(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes | memoryview) else str(value)


def test_the_day_was_a_full_one(life: Life, box: MailBox, receiver: Receiver, log: io.StringIO) -> None:
    """Else it would prove nothing that nothing is found."""
    states = {callback.state.value for callback in life.callbacks}
    assert {"processed", "unprocessed"} <= states
    assert {"crashed", "not_genuine", "amount_mismatch", "order_not_found"} <= {
        callback.reason.value for callback in life.callbacks if callback.reason
    }
    received = [(one.path, one.query, one.headers, one.body) for one in map(request_of, life.callbacks)]
    wanted = {WORLDPAY, IN_ADDRESS, AUTHORIZATION, COOKIE, IN_REQUESTS, AS_AN_ID, life.stripe.token}
    assert found_in("".join(plain(part) for parts in received for part in parts), wanted) == wanted
    assert box.letters
    assert {received.path.partition("?")[0].split("/")[1] for received in receiver.received} == {"endpoint", "hook"}
    assert "A callback was not kept" in log.getvalue()
    assert {name for name in FILLED if not db.session.scalar(text(f"SELECT count(*) FROM {name}"))} == set()


FILLED = (
    "callbacks requests bodies attempts messages orders order_events activity notes search_entries alert_messages "
    "deliveries bulk_items"
).split()


def test_no_table_holds_any_but_where_the_original_stands(life: Life) -> None:
    hidden = {*SECRETS, *life.made_up.values(), IN_REQUESTS}
    told = {}
    for table in Base.metadata.sorted_tables:
        columns = [column for column in table.columns if column.name not in ORIGINAL.get(table.name, ())]
        for row in db.session.execute(db.select(*columns)):
            for column, value in zip(columns, row, strict=True):
                if found := found_in(plain(value), hidden):
                    told[f"{table.name}.{column.name}"] = found
    notes = {"notes.text", "activity.why", "bulk_runs.why", "attempts.why", "callbacks.asked_why"}  # as people wrote it
    assert {where: found for where, found in told.items() if where not in notes or found != {IN_REQUESTS}} == {}


def test_redis_holds_none(life: Life, redis: RedisClient) -> None:
    kept = "\n".join(plain(redis.dump(key) or b"") + plain(key) for key in redis.scan_iter())
    assert found_in(kept, [*SECRETS, *life.made_up.values(), IN_REQUESTS, AS_AN_ID]) == set()


def test_no_log_holds_any(life: Life, log: io.StringIO) -> None:
    assert found_in(log.getvalue(), [*SECRETS, *life.made_up.values(), IN_REQUESTS, AS_AN_ID]) == set()


def test_no_mail_and_no_webhook_holds_any(life: Life, box: MailBox, receiver: Receiver) -> None:
    mailed = "\n".join(str(letter) for letter in box.letters)
    assert found_in(mailed, [*SECRETS, *life.made_up.values(), IN_REQUESTS, AS_AN_ID]) == set()
    for received in receiver.received:
        told = f"{received.headers} {received.body.decode()}"
        assert found_in(told, [*SECRETS, *life.made_up.values(), IN_REQUESTS]) == set()
        if received.path.startswith("/hook"):
            assert AS_AN_ID not in told


@pytest.mark.parametrize("who", ["viewer", "manager", "admin", "nobody", "program"])
def test_no_page_holds_any_whoever_looks(app: Flask, life: Life, who: str) -> None:
    hidden = {*SECRETS, *life.made_up.values(), IN_REQUESTS, AS_AN_ID}
    if who == "admin":  # who sets up sees the address that gateways are to call, and the endpoint's own
        hidden -= {life.stripe.token, life.worldpay.token, ENDPOINT_KEY}
    if who == "program":  # the shop's own program needs ids as they are
        hidden -= {AS_AN_ID}
    client, seen, paths = life.clients[who], 0, list(_paths(app, life))
    db.session.rollback()  # else it stands still meanwhile, for longer than the database bears
    for path in paths:
        for headers in ({}, {"HX-Request": "true"}):
            with client.get(path, headers=headers) as response:
                seen += response.status_code == 200
                shown = f"{response.headers} {response.get_data().decode('latin-1')}"
            needles = hidden - ({IN_REQUESTS, AS_AN_ID} if "/original" in path else set())
            needles -= {*SECRETS} if "/original" in path and who == "admin" else set()
            assert found_in(shown, needles) == set(), path
    assert seen > {"nobody": 1, "program": 3}.get(who, 60)


def _paths(app: Flask, life: Life) -> Iterator[str]:
    """Every address that shows something, of everything there is; and all four tabs of each request."""
    last = {"callbacks": len(life.callbacks), "settings": 2, "orders": 2, "bulk": 1, "deliveries": 2}
    last["api"] = last["callbacks"]
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint in ("static", "receiving.receive"):
            continue
        ids = range(1, last.get(rule.rule.split("/")[1], 1) + 1) if "id_>" in rule.rule else [0]
        for id_ in ids:
            path = re.sub(r"<int:(id_|callback_id)>|<id_>", str(id_), rule.rule)
            yield path.replace("<path:number>", "251123-1").replace("<name>", "worldpay")
    for callback in life.callbacks:
        yield from (f"/callbacks/{callback.id}?part={part}" for part in ("body", "headers", "address", "bytes"))
        yield f"/callbacks/{callback.id}/original?whole=1"
    yield from (f"/callbacks?tab={tab}" for tab in ("all", "processed", "invalid", "waiting", "decide"))
    yield "/callbacks.csv?tab=all&bom=1"


@pytest.mark.parametrize("part", [WORLDPAY, IN_ADDRESS, STRIPE, IN_REQUESTS, AS_AN_ID])
def test_no_search_spells_it(life: Life, part: str) -> None:
    assert _rows(life, "251123-2")
    for start in (part[:-1], part[:12], part[3:]):
        assert _rows(life, start) == [], start


def _rows(life: Life, q: str) -> list[str]:
    page = life.clients["viewer"].get("/callbacks", query_string={"tab": "all", "q": q}).text
    return re.findall(r'id="callback-\d+"', page)
