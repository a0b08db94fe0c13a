"""A second factor: set up in Your settings, asked for when one logs in, demanded by a shop."""

from __future__ import annotations

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pyotp
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import Shop
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.second_factor import SecondFactor
from shopcallbacks.shops.users import Role, User
from shopcallbacks.views.sessions import HALF

from ..factories import PASSWORD, log_in, make_shop, make_user

HERE = "/preferences/second-factor"


@pytest.fixture
def shop(client: FlaskClient) -> Shop:
    return make_shop("toys")


@pytest.fixture
def user(shop: Shop) -> User:
    return make_user(Role.viewer, shop)


def part_of(page: str, pattern: str) -> str:
    found = re.search(pattern, page)
    assert found is not None
    return found[1]


def set_up(client: FlaskClient) -> tuple[str, list[str]]:
    """Of who is logged in: secret and recovery codes. As if a while ago, so that the next code is a new one."""
    page = client.get(HERE).text
    secret, sealed = part_of(page, r'<span class="code">(\w+)'), part_of(page, r'name="sealed" value="([^"]+)"')
    sent = {"sealed": sealed, "code": pyotp.TOTP(secret).now(), "password": PASSWORD}
    codes = re.findall(r"<li>([a-z2-7-]{19})</li>", client.post(HERE, data=sent).text)
    db.session.execute(update(SecondFactor).values(step=0))
    db.session.commit()
    return secret, codes


def half_way(client: FlaskClient, user: User) -> FlaskClient:
    """The password is given, the code is not."""
    answer = client.post("/login", data={"email": user.email, "password": PASSWORD, "next": "/orders?a=b"})
    assert answer.location == "/login/code?next=/orders?a%3Db"
    return client


def test_the_code_is_asked_for_after_the_password(client: FlaskClient, user: User) -> None:
    secret, codes = set_up(log_in(client, user))
    assert len(codes) == 10
    other = half_way(client.application.test_client(), user)
    assert "The code of your app" in other.get("/login/code").text
    assert other.get("/orders").status_code == 303
    refused = other.post("/login/code", data={"code": "x"})
    assert (refused.status_code, "does not fit" in refused.text) == (422, True)
    sent = {"code": pyotp.TOTP(secret).now(), "next": "/orders?a=b"}
    assert other.post("/login/code", data=sent).location == "/orders?a=b"
    assert other.get("/orders").status_code == 200
    verbs = [act.verb for act in db.session.scalars(select(Activity).order_by(Activity.id))]
    assert verbs == ["log in", "second factor", "failed code", "log in"]


def test_when_it_was_set_up_is_told_in_the_readers_zone_and_way(client: FlaskClient, user: User) -> None:
    set_up(log_in(client, user))
    db.session.execute(update(SecondFactor).values(made_at=datetime(2019, 12, 31, 23, 30, tzinfo=UTC)))
    assert "On since" in client.get(HERE).text
    user.prefer(time_zone="Asia/Tokyo", locale="de")
    db.session.commit()
    assert re.search(r"On since <time [^>]+>1\. Jan\.? 2020</time>\.", client.get(HERE).text)


def test_a_recovery_code_logs_in_once(client: FlaskClient, user: User) -> None:
    _, codes = set_up(log_in(client, user))
    for status in (303, 422):
        other = half_way(client.application.test_client(), user)
        assert other.post("/login/code", data={"code": codes[0]}).status_code == status


def test_without_the_password_there_is_no_code_to_give(client: FlaskClient, user: User) -> None:
    secret, _ = set_up(log_in(client, user))
    stranger = client.application.test_client()
    assert stranger.get("/login/code").location == "/login"
    assert stranger.post("/login/code", data={"code": pyotp.TOTP(secret).now()}).location == "/login"
    late = half_way(client.application.test_client(), user)
    with late.session_transaction() as session:
        session[HALF][1] = int(time.time()) - 601
        session.modified = True
    assert late.post("/login/code", data={"code": pyotp.TOTP(secret).now()}).location == "/login"
    assert late.get("/orders").status_code == 303


def test_another_password_ends_half_a_log_in(client: FlaskClient, user: User) -> None:
    secret, _ = set_up(log_in(client, user))
    other = half_way(client.application.test_client(), user)
    user.set_password("lavender tractor sings")
    db.session.commit()
    assert other.get("/login/code").location == "/login"
    assert other.post("/login/code", data={"code": pyotp.TOTP(secret).now()}).location == "/login"


def test_codes_are_not_guessed(client: FlaskClient, user: User) -> None:
    secret, _ = set_up(log_in(client, user))
    other = half_way(client.application.test_client(), user)
    assert [other.post("/login/code", data={"code": "x"}).status_code for _ in range(6)] == [422] * 5 + [429]
    assert other.post("/login/code", data={"code": pyotp.TOTP(secret).now()}).status_code == 429


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [({"password": "wrong"}, "The password is another one."), ({"code": "x"}, "The code does not fit.")],
)
def test_it_is_not_set_up_by_who_finds_an_open_screen(
    client: FlaskClient, user: User, wrong: dict[str, str], sentence: str
) -> None:
    page = log_in(client, user).get(HERE).text
    secret, sealed = part_of(page, r'<span class="code">(\w+)'), part_of(page, r'name="sealed" value="([^"]+)"')
    sent = {"sealed": sealed, "code": pyotp.TOTP(secret).now(), "password": PASSWORD, **wrong}
    answer = client.post(HERE, data=sent)
    assert (answer.status_code, sentence in answer.text, secret in answer.text) == (422, True, True)
    assert SecondFactor.of(user) is None


def test_two_presses_at_once_set_up_one(client: FlaskClient, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    app = client.application
    browsers = [log_in(FlaskClient(app, app.response_class), user) for _ in range(2)]
    page = browsers[0].get(HERE).text
    secret, sealed = part_of(page, r'<span class="code">(\w+)'), part_of(page, r'name="sealed" value="([^"]+)"')
    sent = {"sealed": sealed, "code": pyotp.TOTP(secret).now(), "password": PASSWORD}
    both, begin = threading.Barrier(2), SecondFactor.begin

    def begin_together(*given: Any) -> SecondFactor | None:
        with suppress(threading.BrokenBarrierError):
            both.wait(timeout=1)
        return begin(*given)

    monkeypatch.setattr(SecondFactor, "begin", begin_together)
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda one: one.post(HERE, data=sent), browsers))
    assert sorted((answer.status_code, answer.location) for answer in answers) == [(200, None), (303, HERE)]


def test_new_recovery_codes_and_switching_off_need_a_code(client: FlaskClient, user: User) -> None:
    _, codes = set_up(log_in(client, user))
    assert client.post(f"{HERE}/recovery-codes", data={"code": "x"}).status_code == 422
    anew = re.findall(r"<li>([a-z2-7-]{19})</li>", client.post(f"{HERE}/recovery-codes", data={"code": codes[0]}).text)
    assert set(anew).isdisjoint(codes)
    assert client.post(f"{HERE}/ending", data={"code": codes[1]}).status_code == 422
    assert client.post(f"{HERE}/ending", data={"code": anew[0]}).location == "/preferences"
    assert log_in(client.application.test_client(), user).get("/orders").status_code == 200


def test_a_shop_that_demands_one_is_not_looked_at_without(client: FlaskClient, shop: Shop) -> None:
    user = make_user(Role.admin, shop, make_shop("books"))
    log_in(client, user)
    assert client.post("/settings/people/second-factor?shop=toys", data={"demanded": "1"}).status_code == 303
    for path in ("/?shop=toys", "/callbacks?shop=toys", "/settings/people?shop=toys"):
        assert client.get(path).location == HERE, path
    fragment = client.get("/queue/count?shop=toys", headers={"HX-Request": "true"})
    assert (fragment.status_code, fragment.headers["HX-Redirect"]) == (403, HERE)
    assert client.get("/orders?shop=books").status_code == 200
    assert "Toys can be looked at with a second factor only." in client.get(HERE).text
    _, codes = set_up(client)
    assert client.get("/orders?shop=toys").status_code == 200
    assert client.post(f"{HERE}/ending", data={"code": codes[0]}).status_code == 409


def test_an_admin_resets_it(client: FlaskClient, user: User, shop: Shop) -> None:
    set_up(theirs := log_in(client.application.test_client(), user))
    log_in(client, make_user(Role.admin, shop))
    assert "Their second factor is on since" in client.get(f"/settings/people/{user.id}").text
    assert client.post(f"/settings/people/{user.id}/second-factor/reset").status_code == 303
    assert theirs.get("/orders").status_code == 303
    assert log_in(theirs, user).get("/orders").status_code == 200
