"""Logs: one line a record whatever a stranger wrote, and nothing in them of what a database's error quotes."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.extensions import db
from shopcallbacks.logs import Formatter, named

from .factories import make_account, make_shop


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
    db.session.execute(text("ALTER TABLE callbacks ADD CONSTRAINT full_disk CHECK (method <> 'POST') NOT VALID"))
    db.session.commit()
    try:
        response = client.post(f"{account.callback_path}?card=4111111111111111", data=b"body-of-the-callback")
    finally:
        db.session.rollback()
        db.session.execute(text("ALTER TABLE callbacks DROP CONSTRAINT full_disk"))
        db.session.commit()
    assert response.status_code == 503
    assert db.session.query(Callback).count() == 0
    assert "The store did not take 1 callbacks: CheckViolation 23514" in caplog.text
    for part in (account.token, "4111111111111111", "body-of-the-callback"):
        assert part not in caplog.text
