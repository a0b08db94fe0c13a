"""The command line, as an admin types it."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.cli import AppGroup
from flask.testing import FlaskClient
from sqlalchemy import select

from shopcallbacks import ROOT
from shopcallbacks.callbacks import moves
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.cli import GROUPS
from shopcallbacks.domain.errors import Reason
from shopcallbacks.domain.states import Effect, OrderState, State, Verb
from shopcallbacks.domain.values import Money, Outcome
from shopcallbacks.extensions import db
from shopcallbacks.gateways import GATEWAYS
from shopcallbacks.orders.order import Order
from shopcallbacks.shops.accounts import GatewayAccount, Shop
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.order_rules import OrderRules
from shopcallbacks.shops.sessions import UserSession
from shopcallbacks.shops.tokens import ApiToken
from shopcallbacks.shops.users import Role, User

from ..factories import PASSWORD, make_account, make_callback, make_order, make_shop, make_user, message, process
from ..processing.saying import say
from .conftest import Run


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_every_command_has_help(flask: Run, group: AppGroup) -> None:
    for name in group.commands:
        assert "Usage:" in flask(group.name, name, "--help").output


NAMED = re.compile(r"(?:`flask|flask --app app) ([a-z][a-z-]*)(?: ([a-z][a-z|-]*))?")


@pytest.mark.parametrize("page", [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")], ids=lambda page: page.name)
def test_every_command_that_a_page_names_exists(app: Flask, page: Path) -> None:
    for name, more in NAMED.findall(page.read_text()):
        assert name in app.cli.commands or name == "db", name
        group = app.cli.commands.get(name)
        if isinstance(group, AppGroup):
            for word in filter(None, more.split("|")):
                assert word in group.commands, f"{name} {word}"


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
    assert [act.verb for act in db.session.scalars(select(Activity))] == [
        "add shop",
        "new API token",
        "add gateway",
        "add user",
    ]


def test_tokens_are_made_replaced_and_ended(flask: Run) -> None:
    shop = make_shop("toys")
    first = flask("tokens", "add", "toys", "till").output.rpartition(" ")[2].strip()
    second = flask("tokens", "add", "toys", "till", "--replace", "--overlap", "1").output.rpartition(" ")[2].strip()
    flask("tokens", "add", "toys", "robot", "--scope", "callbacks:act", "--hours", "0")
    assert [ApiToken.of_text(text) is not None for text in (first, second)] == [True, True]
    lines = flask("tokens", "list", "toys").output.splitlines()[1:]
    assert [re.split(r"\s{2,}", line)[1:3] for line in lines] == [
        ["robot", "callbacks:act"],
        ["till", "orders, feed"],
        ["till", "orders, feed"],
    ]
    flask("tokens", "end", "toys", "till")
    assert [ApiToken.of_text(text) for text in (first, second)] == [None, None]
    assert "has no token till in use" in flask("tokens", "end", "toys", "till", code=1).output
    assert {token.in_use for token in ApiToken.of(shop.id)} == {False}


def users_of(flask: Run) -> dict[str, list[str]]:
    """What `users list` has: rights and state by e-mail."""
    lines = [re.split(r"\s{2,}", line) for line in flask("users", "list").output.splitlines()[1:]]
    return {line[0]: line[2:4] for line in lines}


def test_users_come_change_and_go(flask: Run) -> None:
    for slug in ("toys", "books"):
        make_shop(slug)
    flask("users", "add", "dana@x.example", "--shop", "toys", USER_PASSWORD="long enough pw")
    flask("users", "set-shops", "dana@x.example", "books", "toys", "--why", "helps out")
    flask("users", "set-role", "dana@x.example", "admin")
    assert users_of(flask) == {"dana@x.example": ["admin of books, toys", "on"]}
    flask("users", "set-role", "dana@x.example", "viewer", "--shop", "books")
    assert users_of(flask) == {"dana@x.example": ["admin of toys; viewer of books", "on"]}
    flask("users", "set-role", "dana@x.example", "owner")
    assert users_of(flask) == {"dana@x.example": ["owner of every shop", "on"]}
    make_user(Role.owner, email="other@x.example")
    flask("users", "deactivate", "dana@x.example", "--why", "left")
    assert users_of(flask)["dana@x.example"] == ["owner of every shop", "off"]
    assert User.log_in("dana@x.example", "long enough pw") is None
    flask("users", "activate", "dana@x.example")
    flask("users", "set-password", "dana@x.example", USER_PASSWORD="another long one")
    assert User.log_in("dana@x.example", "another long one") is not None
    assert [(act.verb, act.what, act.why) for act in db.session.scalars(select(Activity).order_by(Activity.id))] == [
        ("add user", "dana@x.example: manager of toys", ""),
        ("set shops", "dana@x.example: manager of toys; viewer of books", "helps out"),
        ("set role", "dana@x.example: admin of books, toys", ""),
        ("set role", "dana@x.example: admin of toys; viewer of books", ""),
        ("set role", "dana@x.example: owner of every shop", ""),
        ("deactivate user", "dana@x.example", "left"),
        ("activate user", "dana@x.example", ""),
        ("set password", "dana@x.example", ""),
    ]


@pytest.mark.parametrize(
    "verb", [("end-sessions",), ("deactivate",), ("set-role", "viewer"), ("set-shops", "here"), ("set-password",)]
)
def test_whoever_is_changed_is_logged_out_everywhere(flask: Run, verb: tuple[str, ...]) -> None:
    user = make_user(Role.manager, make_shop("here"))
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
        (("deactivate", "last@x.example"), "is the last owner"),
        (("set-role", "last@x.example", "viewer", "--shop", "here"), "is the last owner"),
    ],
)
def test_rights_that_make_no_sense_are_refused(flask: Run, words: tuple[str, ...], sentence: str) -> None:
    make_user(Role.admin, make_shop("here"), email="only@x.example")
    make_user(Role.viewer, email="none@x.example")
    make_user(Role.owner, email="last@x.example")
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


def test_an_invitation_and_a_password_link_are_printed_and_open_once(flask: Run, client: FlaskClient) -> None:
    make_shop("toys")
    invited = flask("users", "invite", "dana@x.example", "--shop", "toys", "--role", "admin").output.strip()
    assert client.post(urlsplit(invited).path, data={"name": "Dana", "password": PASSWORD}).status_code == 303
    assert users_of(flask) == {"dana@x.example": ["admin of toys", "on"]}
    assert client.get(urlsplit(invited).path).status_code == 410
    renewed = flask("users", "password-link", "dana@x.example").output.strip()
    assert client.post(urlsplit(renewed).path, data={"new": "another horse, correct"}).status_code == 303
    assert User.log_in("dana@x.example", "another horse, correct") is not None
    assert (
        "An owner is of every shop"
        in flask("users", "invite", "a@x.example", "--role", "owner", "--shop", "toys", code=1).output
    )


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
        (("orders", "create", "here", "1", "1e3", "EUR"), "amount must be decimal text"),
        (("orders", "create", "here", "1", "４９.00", "EUR"), "amount must be decimal text"),
        (("orders", "create", "here", "1", "4_9.00", "EUR"), "amount must be decimal text"),
        (("orders", "create", "here", "1", "10000000000000.00", "EUR"), "at most 9,999,999,999,999.99 EUR"),
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
    again = flask("orders", "create", "here", "26", "59.90", "EUR", "--email", "a@b.example")
    assert "Order 26 was there already: temporary, 59.90 EUR" in again.output
    order = Order.find(shop.id, "26")
    assert order is not None
    assert (order.total.minor, order.customer_email) == (5990, "a@b.example")
    assert "temporary, 59.90 EUR" in flask("orders", "show", "here", "26").output
    assert "temporary, 59.90 EUR" in flask("orders", "show", "here", " 26 ").output


def test_an_order_is_replaced_given_up_and_handed_in_again(flask: Run) -> None:
    make_shop("here")
    flask("orders", "create", "here", "26", "59.90", "EUR")
    replaced = flask("orders", "create", "here", "26", "49.90", "EUR", "--expires-at", "2099-11-27T18:00:00+01:00")
    assert "replaced: temporary, 49.90 EUR" in replaced.output
    assert "cancelled by the shop" in flask("orders", "cancel", "here", "26", "out of stock").output
    assert "handed in again: temporary" in flask("orders", "create", "here", "26", "49.90", "EUR").output
    late = flask("orders", "create", "here", "27", "1.00", "EUR", "--expires-at", "2020-01-01T00:00:00Z", code=1)
    assert "expires_at must lie in the future" in late.output
    assert "There is no order '27'" in flask("orders", "show", "here", "27", code=1).output


def test_money_owed_is_given_back_and_a_part_is_all(flask: Run, saying: None) -> None:
    account = saying_account()
    account.shop.parts = True
    for number, minor in (("26", 5990), ("26", 5990), ("27", 1000)):
        order = Order.find(account.shop_id, number) or make_order(account.shop, number)
        say(account, message(order, money=Money(minor, "EUR")))
        process()
    waiting = db.session.scalars(select(Callback).where(Callback.state == State.unprocessed)).one()
    waiting.do(Verb.owe, None, "paid twice")
    process()
    assert "open, 59.90 EUR" in flask("orders", "show", "here", "26").output
    assert "owed back 59.90 EUR" in flask("orders", "show", "here", "26").output
    flask("orders", "settle", "here", "26", "by bank")
    assert "owed back nothing" in flask("orders", "show", "here", "26").output
    assert "Nothing is owed" in flask("orders", "settle", "here", "26", "by bank", code=1).output
    assert "part paid" in flask("orders", "show", "here", "27").output
    assert "Order 27: open" in flask("orders", "enough", "here", "27", "a good customer").output


def test_a_try_is_ended(flask: Run, saying: None) -> None:
    account = saying_account()
    order = make_order(account.shop, "26")
    for transaction in ("pi_1", None):
        say(account, message(order, Outcome.pending, transaction_id=transaction))
    process()
    assert "saying pi_1: under way, came in nothing" in flask("orders", "show", "here", "26").output
    for transaction in ("pi_1", ""):
        assert "awaiting" in flask("orders", "end-try", "here", "26", "saying", transaction, "she called").output
    assert "under way" not in flask("orders", "show", "here", "26").output
    for words, sentence in ((("saying", "pi_1"), "not alive"), (("nowhere", "pi_1"), "no gateway account 'nowhere'")):
        assert sentence in flask("orders", "end-try", "here", "26", *words, "she called", code=1).output


def saying_account() -> GatewayAccount:
    account = GatewayAccount.add(make_shop("here"), "saying", "saying", {})
    db.session.commit()
    return account


def test_what_a_shop_says_of_its_orders_is_set_and_kept_as_an_act(flask: Run) -> None:
    shop = make_shop("here")
    words = ("--refusal-cancels-after", 900, "--no-payment-reopens", "--parts", "--accept-limit", "100 eur")
    assert "accept_limit: 100.00 EUR" in flask("shops", "set", "here", *words).output
    db.session.expire_all()
    assert shop.order_rules == OrderRules(900, False, True, Money(10000, "EUR"))
    flask("shops", "set", "here", "--payment-reopens", "--accept-limit", "none")
    db.session.expire_all()
    assert shop.order_rules == OrderRules(900, True, True, None)
    flask("shops", "set", "here")
    acts = db.session.scalars(select(Activity.what).where(Activity.verb == "settings").order_by(Activity.id)).all()
    assert [act.partition(":")[0] for act in acts] == ["orders", "orders"]
    assert "A refused payment cancels after (s) from 0 to 900" in acts[0]
    assert "Only admins accept above from 100.00 EUR to nothing" in acts[1]


@pytest.mark.parametrize("limit", ["100", "EUR", "x EUR", "-1 EUR", "1 EURO", "1.001 EUR"])
def test_a_limit_that_is_no_sum_is_refused(flask: Run, limit: str) -> None:
    make_shop("here")
    assert "must be an amount and a currency" in flask("shops", "set", "here", "--accept-limit", limit, code=1).output


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
    moves.cancel(order.id, "the shop")
    late = make_callback(account, message(order))
    process()
    flask("callbacks", "owe", late.id, "--why", "sold out")
    process()
    assert (late.effect, order.state, order.owed) == (Effect.owed, OrderState.cancelled, (order.total,))
    assert "it can't be reopened now" in flask("callbacks", "reopen", late.id, "--why", "x", code=1).output
    flask("callbacks", "unowe", late.id, "--why", "she wants it after all")
    process()
    assert (late.state, order.owed) == (State.unprocessed, ())


def test_what_a_verb_needs_besides_is_said_by_its_options(flask: Run) -> None:
    account = make_account()
    order = make_order(account.shop)
    callback = make_callback(account, message("no-such-order", money=Money(100, "EUR")))
    process()
    assert "Say to which order" in flask("callbacks", "assign", callback.id, "--why", "x", code=1).output
    flask("callbacks", "assign", callback.id, "--order", order.number, "--why", "mistyped")
    process()
    assert (callback.reason, callback.order_id) == (Reason.amount_mismatch, order.id)
    flask("callbacks", "accept", callback.id, "--why", "agreed")
    process()
    assert (callback.effect, order.state) == (Effect.accepted, OrderState.open)


def test_what_is_dealt_with_is_restored(flask: Run) -> None:
    account = make_account()
    callback = make_callback(account, message("no-such-order"))
    process()
    assert "processed" in flask("callbacks", "close", callback.id, "--why", "booked by hand").output
    assert callback.effect is Effect.closed
    flask("callbacks", "restore", callback.id)
    assert (callback.state, callback.reason) == (State.unprocessed, Reason.order_not_found)


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


@pytest.mark.parametrize("command", ["list", "export", "process-imported"])
@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("tab=all&from=2025-13-01", "“2025-13-01” is not a day like 2026-11-23."),
        ("tab=al", "There is no tab “al”."),
        ("form=2025-01-01", "A filter has no 'form'. It has: tab, account,"),
        ("unclear", "A filter has no 'unclear'."),
        ("from=", "The filter says nothing behind from=."),
        ("account=mian", "There is no gateway account “mian” here."),
    ],
)
def test_a_filter_that_can_not_be_read_is_a_sentence_and_nothing_is_done(
    flask: Run, command: str, query: str, sentence: str
) -> None:
    shop = make_account().shop
    output = flask("callbacks", command, shop.slug, "--filter", query, code=1).output
    assert output.startswith(f"Error: {sentence}")
    assert "left out" not in output
    assert db.session.scalars(select(Activity)).first() is None


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
