"""Logging in and out."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from shopcallbacks import create_app
from shopcallbacks.clock import utcnow
from shopcallbacks.extensions import db
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.counters import Counters
from shopcallbacks.shops.sessions import UserSession
from shopcallbacks.shops.tries import CEILING, Tries, account_key, tries
from shopcallbacks.shops.users import Role, User
from shopcallbacks.views.sessions import FOLLOWING, own_path

from ..factories import PASSWORD, log_in, make_shop, make_user


def test_a_user_logs_in_and_comes_back_to_where_they_wanted_to_go(client: FlaskClient) -> None:
    user = make_user(Role.manager, make_shop())
    response = client.post("/login", data={"email": user.email.upper(), "password": PASSWORD, "next": "/orders?a=b"})
    assert (response.status_code, response.location) == (303, "/orders?a=b")
    assert client.get("/orders").status_code == 200
    assert client.get("/login").location == "/"


def test_a_wrong_password_is_a_sentence_and_kept(client: FlaskClient) -> None:
    user = make_user(Role.manager, make_shop())
    response = client.post("/login", data={"email": user.email, "password": "wrong"})
    assert response.status_code == 422
    assert "do not fit together" in response.text
    act = db.session.scalars(select(Activity)).one()
    assert (act.verb, act.user_id, act.what) == ("failed log-in", user.id, f"{user.email} from 127.0.0.1")


def test_an_unknown_user_hears_the_same_as_a_wrong_password(client: FlaskClient) -> None:
    response = client.post("/login", data={"email": "nobody@shop.example", "password": PASSWORD})
    assert (response.status_code, "do not fit together" in response.text) == (422, True)


def test_whoever_is_switched_off_neither_logs_in_nor_stays_in(client: FlaskClient) -> None:
    user = make_user(Role.manager, make_shop())
    log_in(client, user)
    user.active = False
    db.session.commit()
    assert client.get("/orders").status_code == 303
    assert client.post("/login", data={"email": user.email, "password": PASSWORD}).status_code == 422


def test_logging_in_keeps_nothing_of_the_session_before(client: FlaskClient) -> None:
    with client.session_transaction() as session:
        session["planted"] = "by somebody else"
    log_in(client, make_user(Role.manager, make_shop()))
    with client.session_transaction() as session:
        assert "planted" not in session


def test_a_log_in_brings_the_token_that_all_its_pages_share(client: FlaskClient) -> None:
    """Else two first pages at once make one each, and the later cookie wins: the other page's buttons are refused."""
    client.post("/login", data={"email": make_user(Role.manager, make_shop()).email, "password": PASSWORD})
    with client.session_transaction() as session:
        made = session["csrf_token"]
    client.get("/session")
    with client.session_transaction() as session:
        assert session["csrf_token"] == made


def test_logging_out_is_a_post_and_ends_it(client: FlaskClient) -> None:
    log_in(client, make_user(Role.manager, make_shop()))
    assert client.get("/logout").status_code == 405
    assert client.post("/logout").location == "/login"
    assert client.get("/orders").status_code == 303


@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil.example", "https://evil.example", "evil", "", "/a\nb", "javascript:alert(1)"]
)
def test_one_comes_back_to_own_paths_only(path: str) -> None:
    assert own_path(path) is None


# How a session ends


def copy_of(client: FlaskClient) -> FlaskClient:
    """Somebody else's browser with the same cookies."""
    copied, cookie = client.application.test_client(), client.get_cookie("session")
    assert cookie is not None
    copied.set_cookie("session", cookie.value)
    return copied


def test_a_copied_cookie_ends_with_the_log_out(client: FlaskClient) -> None:
    copied = copy_of(log_in(client, make_user(Role.manager, make_shop())))
    assert copied.get("/orders").status_code == 200
    client.post("/logout")
    assert copied.get("/orders").status_code == 303


@pytest.mark.parametrize(
    "change",
    [
        lambda user: user.set_password("another horse, correct"),
        lambda user: user.set_active(False),
        lambda user: user.set_rights(dict.fromkeys(user.shops, Role.viewer)),
        lambda user: user.set_rights({make_shop(): Role.manager}),
    ],
    ids=["another password", "switched off", "another role", "other shops"],
)
def test_every_session_of_a_user_ends_with(client: FlaskClient, change: Callable[[User], None]) -> None:
    user, other = make_user(Role.manager, make_shop()), make_user(Role.manager, make_shop())
    log_in(client, user)
    elsewhere, beside = (log_in(client.application.test_client(), one) for one in (user, other))
    change(user)
    db.session.commit()
    assert [one.get("/orders").status_code for one in (client, elsewhere, beside)] == [303, 303, 200]


def aged(**columns: timedelta) -> None:
    """So much longer ago than it was."""
    for name, ago in columns.items():
        column = getattr(UserSession, name)
        db.session.execute(update(UserSession).values({column: column - ago}))
    db.session.commit()


def test_whoever_did_nothing_for_twelve_hours_logs_in_again(client: FlaskClient) -> None:
    log_in(client, make_user(Role.manager, make_shop()))
    aged(seen_at=timedelta(hours=11, minutes=59))
    assert client.get("/orders").status_code == 200
    aged(seen_at=timedelta(hours=12))
    assert client.get("/orders").status_code == 303


def test_after_seven_days_nothing_that_was_done_keeps_a_session_alive(client: FlaskClient) -> None:
    log_in(client, make_user(Role.manager, make_shop()))
    aged(made_at=timedelta(days=6, hours=23))
    assert client.get("/orders").status_code == 200
    aged(made_at=timedelta(hours=1))
    assert client.get("/orders").status_code == 303


def test_the_limits_are_the_settings(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(client.application.config, "SESSION_IDLE", timedelta(minutes=15))
    log_in(client, make_user(Role.manager, make_shop()))
    aged(seen_at=timedelta(minutes=16))
    assert client.get("/orders").status_code == 303


def test_a_session_is_seen_at_most_once_a_minute_and_never_by_what_asks_by_itself(client: FlaskClient) -> None:
    log_in(client, make_user(Role.manager, make_shop()))
    aged(seen_at=timedelta(seconds=30))
    before = db.session.scalars(select(UserSession.seen_at)).one()
    client.get("/orders")
    assert db.session.scalars(select(UserSession.seen_at)).one() == before
    aged(seen_at=timedelta(minutes=2))
    client.get("/queue/count", headers={"HX-Request": "true"})
    assert db.session.scalars(select(UserSession.seen_at)).one() == before - timedelta(minutes=2)
    client.get("/orders")
    assert db.session.scalars(select(UserSession.seen_at)).one() > before


# What asks again and again until the work is done, and then no more.
ENDS_BY_ITSELF = {"bulk.items", "bulk.show", "callbacks.show", "settings.trials.show"}


def test_whatever_asks_by_itself_for_ever_is_known_as_such() -> None:
    templates = Path(__file__).parents[2] / "templates"
    asking = {
        endpoint
        for path in templates.rglob("*.html")
        for tag in re.findall(r"<[^<]*hx-trigger=.every[^<]*>", path.read_text())
        for endpoint in re.findall(r"url_for\('([^']+)'", tag)
    }
    assert asking - ENDS_BY_ITSELF == FOLLOWING


def test_the_database_has_no_token_that_would_log_in(client: FlaskClient) -> None:
    log_in(client, make_user(Role.manager, make_shop()))
    with client.session_transaction() as session:
        token = session["token"]
    kept = db.session.scalars(select(UserSession)).one()
    assert token.encode() not in kept.digest
    assert token not in f"{kept.address} {kept.agent}"
    with client.session_transaction() as session:
        session["token"] = kept.digest.hex()
    assert client.get("/orders").status_code == 303


def test_a_token_is_of_its_user_alone(client: FlaskClient) -> None:
    owner = make_user(Role.owner)
    log_in(client, make_user(Role.viewer, make_shop()))
    with client.session_transaction() as session:
        session["_user_id"] = str(owner.id)
    assert client.get("/orders").status_code == 303


def test_why_a_session_ended_is_kept(client: FlaskClient) -> None:
    log_in(client, make_user(Role.manager, make_shop()))
    client.post("/logout")
    kept = db.session.scalars(select(UserSession)).one()
    assert (kept.ended_why, kept.ended_at is not None, kept.address) == ("log-out", True, "127.0.0.1")


def test_under_https_the_cookies_are_of_this_host_alone(environ: dict[str, str], app: Flask) -> None:
    secure = create_app({**environ, "PUBLIC_URL": "https://callbacks.example.com"}, WTF_CSRF_ENABLED=False)
    data = {"email": make_user(Role.manager, make_shop()).email, "password": PASSWORD}
    answer = secure.test_client().post("/login", data=data, base_url="https://callbacks.example.com")
    cookies = answer.headers.getlist("Set-Cookie")
    assert sorted(cookie.partition("=")[0] for cookie in cookies) == ["__Host-device", "__Host-session"]
    for cookie in cookies:
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; ")), cookie
        assert "Domain" not in cookie
    with secure.app_context():
        db.engine.dispose()


# The form


@pytest.fixture
def guarded(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The app as it runs, its forms guarded."""
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    return app


def token_of(page: TestResponse) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


def test_a_form_without_its_token_is_not_taken(guarded: Flask) -> None:
    response = guarded.test_client().post("/login", data={"email": "a@shop.example", "password": PASSWORD})
    assert (response.status_code, "since this page was loaded" in response.text) == (400, True)


def test_a_forms_token_of_before_the_log_in_is_none_after_it(guarded: Flask) -> None:
    client, user = guarded.test_client(), make_user(Role.manager, make_shop())
    before = token_of(client.get("/login"))
    data = {"email": user.email, "password": PASSWORD, "csrf_token": before}
    assert client.post("/login", data=data).status_code == 303
    assert client.post("/logout", data={"csrf_token": before}).status_code == 400
    assert client.post("/logout", data={"csrf_token": token_of(client.get("/orders"))}).status_code == 303


# How guessing is slowed down


def attempt(client: FlaskClient, email: str, password: str = "wrong", address: str = "192.0.2.1") -> int:
    answer = client.post("/login", data={"email": email, "password": password}, environ_base={"REMOTE_ADDR": address})
    return answer.status_code


@pytest.fixture
def manager(app: Flask) -> User:
    return make_user(Role.manager, make_shop())


def test_the_sixth_wrong_password_in_a_minute_has_to_wait(client: FlaskClient, manager: User) -> None:
    assert [attempt(client, manager.email) for _ in range(6)] == [422] * 5 + [429]
    assert attempt(client, manager.email, PASSWORD) == 429, "the right one would tell that it is right"
    answer = client.post("/login", data={"email": manager.email}, environ_base={"REMOTE_ADDR": "192.0.2.1"})
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert "Too many tries for this account. Wait 1 min" in answer.text


def test_one_who_does_not_exist_waits_as_long(client: FlaskClient) -> None:
    assert [attempt(client, "nobody@shop.example") for _ in range(6)] == [422] * 5 + [429]


def test_a_strangers_tries_keep_nobody_out_elsewhere(client: FlaskClient, manager: User) -> None:
    for _ in range(6):
        attempt(client, manager.email)
    assert attempt(client, manager.email, PASSWORD, address="203.0.113.7") == 303


@pytest.mark.parametrize(
    ("first", "near", "far"),
    [("192.0.2.1", "192.0.2.200", "192.0.3.1"), ("2001:db8:0:1::1", "2001:db8:0:1:ffff::9", "2001:db8:0:2::1")],
)
def test_a_network_is_one_that_tries(client: FlaskClient, manager: User, first: str, near: str, far: str) -> None:
    for _ in range(5):
        attempt(client, manager.email, address=first)
    assert [attempt(client, manager.email, address=address) for address in (near, far)] == [429, 422]


def test_colleagues_behind_one_address_do_not_wait_for_each_other(client: FlaskClient, manager: User) -> None:
    for _ in range(6):
        attempt(client, manager.email)
    assert attempt(client, make_user(Role.viewer, make_shop()).email, PASSWORD) == 303


def test_right_passwords_are_not_counted(client: FlaskClient, manager: User) -> None:
    assert {attempt(client.application.test_client(), manager.email, PASSWORD) for _ in range(12)} == {303}


def test_tries_that_are_made_at_once_are_counted_before_they_are_looked_at(
    app: Flask, manager: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at = []
    monkeypatch.setattr(User, "log_in", lambda email, password: looked_at.append(password))
    email = manager.email
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: attempt(FlaskClient(app, app.response_class), email), range(40)))
    assert (answers.count(422), answers.count(429), len(looked_at)) == (5, 35, 5)


def exhaust(email: str) -> None:
    """Tries from a hundred networks."""
    while not tries().take(CEILING, account_key(email)):
        pass


def test_above_the_ceiling_an_account_waits_on_new_devices_and_never_on_known_ones(
    client: FlaskClient, manager: User
) -> None:
    stranger = client.application.test_client()
    log_in(client, manager)
    client.post("/logout")
    exhaust(manager.email)
    assert [attempt(stranger, manager.email, PASSWORD, f"198.51.{n}.1") for n in range(3)] == [429] * 3
    assert attempt(client, manager.email, PASSWORD, "198.51.9.1") == 303
    held = db.session.scalars(select(Activity).where(Activity.verb == "log-ins held")).one()
    assert held.user_id == manager.id


def test_whose_ceiling_was_reached_is_told_once(client: FlaskClient, manager: User) -> None:
    told = "more than a hundred wrong passwords came for you"
    assert told not in log_in(client, manager).get("/").text
    client.post("/logout")
    exhaust(manager.email)
    attempt(client.application.test_client(), manager.email)
    assert told in log_in(client, manager).get("/").text
    client.post("/logout")
    assert told not in log_in(client, manager).get("/").text


def test_a_known_device_is_known_to_those_who_logged_in_from_it(client: FlaskClient, manager: User) -> None:
    log_in(client, make_user(Role.viewer, make_shop()))
    exhaust(manager.email)
    assert attempt(client, manager.email, PASSWORD) == 429


def test_a_known_device_waits_for_its_own_tries(client: FlaskClient, manager: User) -> None:
    log_in(client, manager)
    wrong = [attempt(client, manager.email, address=f"198.51.{n}.1") for n in range(6)]
    assert wrong == [422] * 5 + [429], "wherever it is"


def test_a_device_is_not_known_by_a_cookie_that_was_made_up(client: FlaskClient, manager: User) -> None:
    log_in(client, manager)
    cookie = client.get_cookie("device")
    assert cookie is not None
    exhaust(manager.email)
    payload, _, signature = cookie.value.rpartition(".")
    # Not its last letters changed: base64 does not read all of their bits, and one cookie in a thousand stays good.
    for value in (f"{payload}.{signature[::-1]}", "nonsense", payload):
        client.set_cookie("device", value)
        assert attempt(client, manager.email, PASSWORD) == 429


def test_without_redis_guessing_is_slowed_down_and_people_come_in(
    client: FlaskClient, manager: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(client.application.extensions, "tries", Tries(Counters("redis://127.0.0.1:1/0")))
    assert [attempt(client, manager.email) for _ in range(6)] == [422] * 5 + [429]
    assert attempt(client, manager.email, PASSWORD, address="203.0.113.7") == 303


def test_failed_log_ins_are_one_row_for_account_address_and_minute(client: FlaskClient, manager: User) -> None:
    for address in ("192.0.2.1", "192.0.2.1", "192.0.2.11"):
        attempt(client, manager.email, address=address)
        attempt(client, f"{utcnow().microsecond}@shop.example", address=address)
    acts = db.session.scalars(select(Activity).where(Activity.verb == "failed log-in")).all()
    assert sorted((act.user_id, act.what.rpartition(" from ")[2]) for act in acts if act.user_id) == [
        (manager.id, "192.0.2.1"),
        (manager.id, "192.0.2.11"),
    ]
    assert len(acts) == 4, "those of nobody are one row for each address"
