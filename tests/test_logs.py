"""Logs: one line a record whatever a stranger wrote, and nothing in them of what a database's error quotes."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from shopcallbacks import logs
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.extensions import db
from shopcallbacks.logs import Formatter, JsonFormatter, named
from shopcallbacks.shops.links import LinkKind

from .factories import make_account, make_callback, make_order, make_shop, message, process, request_for


def line(message: str, *args: Any, error: BaseException | None = None) -> str:
    info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("test", logging.ERROR, __file__, 1, message, args, info)
    return Formatter("%(levelname)s %(message)s").format(record)


@pytest.mark.parametrize("sign", list("\n\r\t\v\f\x00\x1b\x7f\x85\x9b\u2028\u2029\u202e\ud800"))
def test_no_sign_makes_a_line_of_its_own_or_commands_a_terminal(sign: str) -> None:
    assert line("Exception on %s", f"/a{sign}CRITICAL fake") == f"ERROR Exception on /a\\u{ord(sign):04x}CRITICAL fake"


def test_a_card_number_is_starred() -> None:
    assert line("/orders/%s", "4111111111111111") == "ERROR /orders/************1111"


def test_a_callbacks_address_is_told_without_its_token() -> None:
    assert line("%s failed", "/callbacks/toys/stripe/t0ken?x=1") == "ERROR /callbacks/toys/stripe/****?x=1 failed"
    assert line("%s failed", "/callbacks/12/retry") == "ERROR /callbacks/12/retry failed"


@pytest.mark.parametrize("kind", LinkKind)
def test_a_links_address_is_told_without_its_token(kind: LinkKind) -> None:
    told = line("%s failed, /login?next=%s", f"http://x/{kind}/12/t0ken", f"/{kind}/12/t0ken/acceptance")
    assert told == f"ERROR http://x/{kind}/12/**** failed, /login?next=/{kind}/12/****/acceptance"


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


def test_a_traceback_stays_readable_and_its_message_is_one_line() -> None:
    told = line("Oh", error=raised(ValueError("bad\nERROR fake 4111111111111111"))).splitlines()
    assert told[:2] == ["ERROR Oh", "Traceback (most recent call last):"]
    assert told[-1] == "ValueError: bad\\u000aERROR fake ************1111"
    assert "raise error" in told[3]


ANOTHER = "INSERT INTO shops (slug, name, time_zone, created_at) VALUES (:slug, 'x', 'UTC', now())"


def refused() -> IntegrityError:
    """A database's error that quotes a row."""
    shop = make_shop("taken-slug")
    with pytest.raises(IntegrityError) as caught:
        db.session.execute(text(ANOTHER), {"slug": shop.slug})
    db.session.rollback()
    return caught.value


@pytest.mark.usefixtures("app")
def test_of_a_databases_error_only_class_and_sqlstate_are_told_also_where_it_led_to_another() -> None:
    error = refused()
    assert named(error) == "UniqueViolation 23505"
    try:
        raise RuntimeError("no") from error
    except RuntimeError as further:
        told = line("Oh", error=further)
    assert "UniqueViolation 23505" in told
    assert "RuntimeError: no" in told
    assert "taken-slug" not in told


@pytest.mark.usefixtures("app")
def test_no_error_of_the_database_quotes_the_values_of_its_statement() -> None:
    statement = str(refused()).partition("[SQL")[2]
    assert "INSERT INTO shops" in statement
    assert "taken-slug" not in statement


def test_a_callback_that_can_not_be_kept_is_in_no_log(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    account = make_account()
    db.session.execute(text("ALTER TABLE bodies ADD CONSTRAINT full_disk CHECK (body = '') NOT VALID"))
    db.session.commit()
    try:
        response = client.post(f"{account.callback_path}?card=4111111111111111", data=b"body-of-the-callback")
    finally:
        db.session.rollback()
        db.session.execute(text("ALTER TABLE bodies DROP CONSTRAINT full_disk"))
        db.session.commit()
    assert response.status_code == 503
    assert db.session.query(Callback).count() == 0
    assert "The store did not take 1 callbacks: CheckViolation 23514" in caplog.text
    for part in (account.token, "4111111111111111", "body-of-the-callback"):
        assert part not in caplog.text


@pytest.fixture
def steps(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """The steps that are told with LOG_FORMAT=json, as they stand in the log."""
    logs.init_app("json")
    caplog.handler.setFormatter(logs.formatter("json", ""))
    with caplog.at_level(logging.INFO, logger="shopcallbacks.steps"):
        yield lambda: [json.loads(one) for one in caplog.text.splitlines() if "shopcallbacks.steps" in one]
    logs.init_app("text")


def test_a_callbacks_way_from_arrival_to_order_is_told_by_its_id(
    client: FlaskClient, steps: Callable[[], list[dict[str, Any]]]
) -> None:
    account = make_account()
    order = make_order(account.shop)
    request = request_for(account, message(order))
    client.post(account.callback_path, data=request.body, headers=dict(request.headers))
    id_ = db.session.scalars(select(Callback.id)).one()
    process()
    kept, decided, moved = steps()
    assert [told["callback"] for told in (kept, decided, moved)] == [id_] * 3
    assert (kept["message"], kept["account"], kept["shop"]) == ("A callback was kept", account.id, account.shop_id)
    assert (decided["state"], decided["effect"], decided["order"]) == ("processed", "opened", order.id)
    assert (moved["event"], moved["order"]) == ("opened", order.id)


def test_without_json_no_step_is_told(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    make_callback(make_account(), message())
    with caplog.at_level(logging.INFO):
        process()
    assert [record for record in caplog.records if record.name == "shopcallbacks.steps"] == []


def test_a_json_line_is_one_object_whatever_a_stranger_wrote() -> None:
    record = logging.LogRecord("test", logging.ERROR, __file__, 1, "Oh %s", ('"}\n{4111111111111111',), None)
    line = JsonFormatter().format(record)
    assert "\n" not in line
    told = json.loads(line)
    assert (told["level"], told["message"]) == ("ERROR", 'Oh "}\\u000a{************1111')
    assert datetime.fromisoformat(told["at"]).tzinfo is not None


@pytest.mark.usefixtures("app")
def test_in_json_too_a_databases_error_is_named_and_no_more() -> None:
    error = refused()
    record = logging.LogRecord("test", logging.ERROR, __file__, 1, "Oh", (), (type(error), error, error.__traceback__))
    told = json.loads(JsonFormatter().format(record))
    assert "UniqueViolation 23505" in told["error"]
    assert "taken-slug" not in told["error"]
