"""Clients that are slow or silent, dozens of each kind, and callbacks beside them: none of those fails."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import requests
from flask import Flask
from sqlalchemy import func

from dev.crowd import KINDS, crowd, crowd_of
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.users import Role
from tests.factories import PASSWORD, long_history, make_account, make_user
from tests.processes import Site, site, until

MANY, SECONDS, A_SECOND = 40, 2, 10


@pytest.fixture(scope="module")
def web(environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(environ, tmp_path_factory.mktemp("web"), worker=False) as running:
        yield running


@pytest.fixture
def account(app: Flask) -> GatewayAccount:
    return make_account()


def failures(url: str, path: str) -> Counter[object]:
    """What became of ten callbacks a second that were not answered 200."""
    found: Counter[object] = Counter()

    def call(n: int) -> None:
        try:
            status: object = requests.post(url + path, data=b"%d" % n, timeout=10).status_code
        except requests.RequestException as error:
            status = type(error).__name__
        found[status] += 1

    calling = [threading.Thread(target=call, args=[n]) for n in range(SECONDS * A_SECOND)]
    for one in calling:
        one.start()
        time.sleep(1 / A_SECOND)
    for one in calling:
        one.join()
    assert found.total() == SECONDS * A_SECOND
    del found[200]
    return found


def kept() -> int:
    db.session.rollback()
    return db.session.scalar(func.count(Callback.id)) or 0


@pytest.mark.parametrize(("kind", "count"), [*((kind, MANY) for kind in KINDS), ("headers", 200)])
def test_no_callback_fails_beside_them(web: Site, account: GatewayAccount, kind: str, count: int) -> None:
    path = account.callback_path
    with crowd_of(kind, web.url, path, count):
        assert failures(web.url, path) == Counter()
    assert kept() == SECONDS * A_SECOND


def test_no_callback_fails_beside_exports_that_nobody_reads(web: Site, account: GatewayAccount) -> None:
    long_history(account, 40_000)
    viewer, path, before = make_user(Role.viewer, account.shop), account.callback_path, kept()
    with requests.Session() as session:
        page = session.get(f"{web.url}/login").text
        form = {"email": viewer.email, "password": PASSWORD, "csrf_token": page.split('name="csrf_token" value="')[1]}
        form["csrf_token"] = form["csrf_token"].split('"')[0]
        assert session.post(f"{web.url}/login", data=form, allow_redirects=False).status_code == 303
        cookie = "; ".join(f"{one.name}={one.value}" for one in session.cookies)
    begin = f"GET /callbacks.csv?tab=all HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\n\r\n"
    with crowd(web.url, begin, MANY, drips=False):
        assert failures(web.url, path) == Counter()
        told = requests.get(f"{web.url}/callbacks.csv?tab=all", headers={"Cookie": cookie}, timeout=10)
        assert (told.status_code, told.headers["Retry-After"]) == (503, "5")
    assert kept() == before + SECONDS * A_SECOND

    def free() -> bool:
        return requests.get(f"{web.url}/callbacks.csv", headers={"Cookie": cookie}, timeout=10).status_code == 200

    until(free)


def test_they_are_hung_up_on_in_the_end_and_nothing_of_theirs_is_kept(web: Site, account: GatewayAccount) -> None:
    path = account.callback_path
    db.session.rollback()
    with ExitStack() as crowds:
        some = [kind for kind in KINDS if kind != "style sheet"]
        found = [crowds.enter_context(crowd_of(kind, web.url, path, 3)) for kind in some]
        until(lambda: all([one.hung_up_on for one in found]))
    assert kept() == 0
    assert "Traceback" not in web.log("web")
