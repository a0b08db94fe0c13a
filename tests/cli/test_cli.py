"""The command line, as an admin types it."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from flask.cli import AppGroup
from sqlalchemy import select

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.cli import GROUPS
from shopcallbacks.domain.states import Effect, OrderState, State
from shopcallbacks.domain.values import Outcome
from shopcallbacks.extensions import db
from shopcallbacks.gateways import GATEWAYS
from shopcallbacks.orders.order import Order
from shopcallbacks.shops.accounts import GatewayAccount, Shop
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.sessions import UserSession
from shopcallbacks.shops.users import Role, User

from ..factories import PASSWORD, make_account, make_callback, make_order, make_shop, make_user, message, process

Run = Callable[..., Result]


@pytest.fixture
def flask(app: Flask) -> Run:
    def run(*words: object, code: int = 0, **env: str) -> Result:
        db.session.commit()
        result = app.test_cli_runner().invoke(args=[str(word) for word in words], env=env)
        db.session.expire_all()
        assert result.exit_code == code, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_every_command_has_help(flask: Run, group: AppGroup) -> None:
    for name in group.commands:
        assert "Usage:" in flask(group.name, name, "--help").output


def test_from_nothing_to_a_callback_url(flask: Run) -> None:
    assert "API token" in flask("shops", "add", "toys", "--name", "Toys").output
    result = flask("gateways", "add", "toys", "stripe", "main", "--set", "signing_secrets=whsec_1")
    account = db.session.scalars(select(GatewayAccount)).one()
    assert result.output.strip() == f"http://127.0.0.1:5000/callbacks/toys/main/{account.token}"
    assert account.secrets[0].value == "whsec_1"
    assert b"whsec_1" not in account.secrets[0].ciphertext
    flask("users", "add", "dana@toys.example", "--shop", "toys", USER_PASSWORD="long enough pw")
    user = User.log_in("dana@toys.example", "long enough pw")
    assert user is not None
    assert (user.role, [shop.slug for shop in user.shops]) == (Role.manager, ["toys"])
    assert [act.verb for act in db.session.scalars(select(Activity))] == ["add shop", "add gateway", "add user"]


def users_of(flask: Run) -> dict[str, list[str]]:
    """What `users list` has: role, shops and state by e-mail."""
    lines = [re.split(r"\s{2,}", line) for line in flask("users", "list").output.splitlines()[1:]]
    return {line[0]: line[2:] for line in lines}


def test_users_come_change_and_go(flask: Run) -> None:
    for slug in ("toys", "books"):
        make_shop(slug)
    flask("users", "add", "dana@x.example", "--shop", "toys", USER_PASSWORD="long enough pw")
    flask("users", "set-shops", "dana@x.example", "books", "toys", "--why", "helps out")
    flask("users", "set-role", "dana@x.example", "admin")
    assert users_of(flask) == {"dana@x.example": ["admin", "books, toys", "on"]}
    flask("users", "set-role", "dana@x.example", "viewer", "--shop", "books")
    assert users_of(flask) == {"dana@x.example": ["viewer", "books", "on"]}
    flask("users", "set-role", "dana@x.example", "owner")
    assert users_of(flask) == {"dana@x.example": ["owner", "all", "on"]}
    flask("users", "deactivate", "dana@x.example", "--why", "left")
    assert users_of(flask) == {"dana@x.example": ["owner", "all", "off"]}
    assert User.log_in("dana@x.example", "long enough pw") is None
    flask("users", "activate", "dana@x.example")
    flask("users", "set-password", "dana@x.example", USER_PASSWORD="another long one")
    assert User.log_in("dana@x.example", "another long one") is not None
    assert [(act.verb, act.what, act.why) for act in db.session.scalars(select(Activity).order_by(Activity.id))] == [
        ("add user", "dana@x.example: manager of toys", ""),
        ("set shops", "dana@x.example: manager of books, toys", "helps out"),
        ("set role", "dana@x.example: admin of books, toys", ""),
        ("set role", "dana@x.example: viewer of books", ""),
        ("set role", "dana@x.example: owner of every shop", ""),
        ("deactivate user", "dana@x.example", "left"),
        ("activate user", "dana@x.example", ""),
        ("set password", "dana@x.example", ""),
    ]


@pytest.mark.parametrize("verb", [("deactivate",), ("set-role", "viewer"), ("set-shops",), ("set-password",)])
def test_whoever_is_changed_is_logged_out_everywhere(flask: Run, verb: tuple[str, ...]) -> None:
    user = make_user(Role.manager, make_shop())
    UserSession.begin(user.id, "192.0.2.1", "Firefox")
    db.session.commit()
    assert len(UserSession.of(user.id)) == 1
    flask("users", verb[0], user.email, *verb[1:], USER_PASSWORD="another long one")
    assert UserSession.of(user.id) == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("add", "a@x.example", "--role", "owner", "--shop", "here"), "An owner sees every shop: name none."),
        (("add", "a@x.example", "--role", "admin"), "name at least one"),
        (("set-shops", "only@x.example"), "name at least one"),
        (("set-role", "none@x.example", "admin"), "name at least one"),
        (("set-shops", "only@x.example", "nowhere"), "There is no shop 'nowhere'."),
        (("deactivate", "who@x.example"), "There is no user 'who@x.example'."),
    ],
)
def test_rights_that_make_no_sense_are_refused(flask: Run, words: tuple[str, ...], sentence: str) -> None:
    make_user(Role.admin, make_shop("here"), email="only@x.example")
    make_user(Role.viewer, email="none@x.example")
    before = users_of(flask)
    assert sentence in flask("users", *words, code=1, USER_PASSWORD="long enough pw").output
    assert users_of(flask) == before


@pytest.mark.parametrize("password", ["1234567890", "password12", "toys forever and ever", "lee@toys.example"])
@pytest.mark.parametrize("verb", [("add", "lees@toys.example", "--shop", "toys"), ("set-password", "lee@toys.example")])
def test_a_password_that_others_guess_is_refused(flask: Run, verb: tuple[str, ...], password: str) -> None:
    make_user(Role.manager, make_shop("toys"), email="lee@toys.example")
    assert "The password" in flask("users", *verb, code=1, USER_PASSWORD=password).output
    assert list(users_of(flask)) == ["lee@toys.example"]
    assert User.log_in("lee@toys.example", PASSWORD) is not None


def test_a_secret_can_come_from_the_environment(flask: Run) -> None:
    shop = make_shop()
    flask("gateways", "add", shop.slug, "stripe", "main", SIGNING_SECRETS="whsec_env")
    assert shop.accounts[0].secrets[0].value == "whsec_env"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("gateways", "add", "nowhere", "stripe", "x", "--set", "signing_secrets=1"), "There is no shop 'nowhere'."),
        (("gateways", "add", "here", "strype", "x"), "There is no gateway 'strype'."),
        (("gateways", "add", "here", "stripe", "Not A Slug", "--set", "signing_secrets=1"), "can't be part of"),
        (("gateways", "add", "here", "stripe", "x"), "signing_secrets is needed"),
        (("gateways", "add", "here", "stripe", "x", "--set", "colour=red"), "colour this gateway has no such setting"),
        (
            ("gateways", "add", "here", "stripe", "x", "--set", "tolerance_s=soon"),
            "tolerance_s: must be a whole number",
        ),
        (("orders", "create", "here", "1", "1,50", "EUR"), "amount must be decimal text"),
        (("orders", "show", "here", "1"), "There is no order '1'."),
        (("users", "set-password", "who@x.example"), "There is no user 'who@x.example'."),
        (("callbacks", "retry", "7"), "There is no callback 7."),
        (("callbacks", "show", "7"), "There is no callback 7."),
    ],
)
def test_what_cant_be_done_is_a_sentence_and_exit_code_1(flask: Run, words: tuple[str, ...], sentence: str) -> None:
    make_shop("here")
    result = flask(*words, code=1, USER_PASSWORD="long enough pw")
    assert sentence in result.output
    assert "Traceback" not in result.output


def test_orders_are_created_once_and_shown(flask: Run) -> None:
    shop = make_shop("here")
    assert "created" in flask("orders", "create", "here", "26", "59.90", "EUR", "--email", "a@b.example").output
    assert "was there already" in flask("orders", "create", "here", "26", "59.90", "EUR").output
    order = Order.find(shop.id, "26")
    assert order is not None
    assert (order.total.minor, order.customer_email) == (5990, "a@b.example")
    assert "temporary, 59.90 EUR" in flask("orders", "show", "here", "26").output


def test_an_account_is_switched_off_for_a_reason_and_both_are_kept(flask: Run) -> None:
    account = make_account()
    where = (account.shop.slug, account.slug)
    assert "--why" in flask("gateways", "disable", *where, code=2).output
    assert "Say why" in flask("gateways", "disable", *where, "--why", " ", code=1).output
    assert account.enabled
    flask("gateways", "disable", *where, "--why", "keys leaked")
    assert not account.enabled
    flask("gateways", "enable", *where)
    assert account.enabled
    acts = db.session.scalars(select(Activity).where(Activity.verb == "settings").order_by(Activity.id)).all()
    kept = [(act.actor, act.what, act.why) for act in acts]
    off, on = f"{account.slug}: switched off", f"{account.slug}: switched on"
    assert kept == [("the command line", off, "keys leaked"), ("the command line", on, "")]


def test_callbacks_are_listed_retried_forced_removed_and_restored(flask: Run) -> None:
    account = make_account()
    order = make_order(account.shop)
    callback = make_callback(account, message(order))
    db.session.execute(Callback.__table__.update().values(verdict=None))
    account.disable()
    process()
    assert str(callback.id) in flask("callbacks", "list", account.shop.slug).output
    assert "account_disabled" in flask("callbacks", "show", callback.id).output
    flask("callbacks", "remove", callback.id, "--why", "not ours")
    assert callback.state is State.invalid
    flask("callbacks", "restore", callback.id)
    account.enable()
    flask("callbacks", "force", callback.id, "--why", "seen in Stripe")
    process()
    assert (callback.state, order.state) == (State.processed, OrderState.open)
    assert "it can't be retried now" in flask("callbacks", "retry", callback.id, code=1).output


def test_a_payment_that_no_order_takes_is_decided_on(flask: Run) -> None:
    account = make_account()
    order = make_order(account.shop)
    made = [make_callback(account, message(order, Outcome.failed)), make_callback(account, message(order))]
    process()
    flask("callbacks", "owe", made[1].id, "--why", "sold out")
    process()
    assert (made[1].effect, order.state) == (Effect.owed, OrderState.cancelled)
    assert "it can't be reopened now" in flask("callbacks", "reopen", made[1].id, "--why", "x", code=1).output


def test_a_verb_is_done_to_all_that_are_named_or_to_none(flask: Run) -> None:
    account = make_account()
    open_, done = [make_callback(account, message(number)) for number in ("26-nowhere", make_order(account.shop))]
    process()
    assert "it can't be removed now" in flask("callbacks", "remove", open_.id, done.id, "--why", "x", code=1).output
    assert (open_.state, done.state) == (State.unprocessed, State.processed)


def test_callbacks_are_exported(flask: Run) -> None:
    account = make_account()
    for number in range(3):
        make_callback(account, message(f"26-{number}"))
    process()
    result = flask("callbacks", "export", account.shop.slug, "--filter", "tab=all")
    rows = list(csv.DictReader(io.StringIO(result.output)))
    assert {row["order number"] for row in rows} == {"26-0", "26-1", "26-2"}


def test_the_demo_is_seeded_once(flask: Run, tmp_path: Path) -> None:
    file = tmp_path / "demo.json"
    flask("demo", "seed", "--write", file)
    told = json.loads(file.read_text())
    assert file.stat().st_mode & 0o077 == 0
    assert {account["gateway"] for account in told["accounts"]} <= set(GATEWAYS)
    before = file.read_bytes()
    flask("demo", "seed", "--write", file)
    assert file.read_bytes() == before
    assert len(Shop.every()) == 2


def test_the_demo_with_its_well_known_passwords_is_for_this_machine_only(
    app: Flask, flask: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "PUBLIC_URL", "https://callbacks.example.com")
    assert "for this machine only" in flask("demo", "seed", "--write", tmp_path / "demo.json", code=1).output
    assert (User.every(), list(tmp_path.iterdir())) == ([], [])
    monkeypatch.setitem(app.config, "PUBLIC_URL", "http://localhost:5000")
    flask("demo", "seed", "--write", tmp_path / "demo.json")
    assert User.log_in("manager@demo.example", "demo-manager") is not None
