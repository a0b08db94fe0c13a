"""Journeys in a real Chromium, against real processes. Each test has a shop, a manager and a log-in of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from flask import Flask
from flask_migrate import upgrade
from playwright.sync_api import Browser, BrowserContext, Page, Response, Route, expect

from dev.services import Postgres, create_database
from dev.simulator import SimulatedGateways
from shopcallbacks import create_app
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.clock import utcnow
from shopcallbacks.dashboard.pulse import Pulse
from shopcallbacks.domain.values import Message, Request
from shopcallbacks.extensions import db
from shopcallbacks.orders.order import Order
from shopcallbacks.shops.accounts import GatewayAccount, Shop
from shopcallbacks.shops.users import Role, User
from tests.conftest import CHROMIUM
from tests.factories import PASSWORD, make_account, make_order, make_shop, make_user, request_for
from tests.openid import CLIENT_ID, CLIENT_SECRET, Provider, openid_provider
from tests.processes import Site, site, until
from tests.receiver import MailBox, mail_server

expect.set_options(timeout=30_000)  # on a busy machine too; who waits for what comes is not held up by it


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": flags}


@pytest.fixture(scope="session")
def gateways() -> Iterator[SimulatedGateways]:
    with SimulatedGateways() as simulated:
        yield simulated


@pytest.fixture(scope="session")
def box() -> Iterator[MailBox]:
    """Where the site's mail arrives."""
    with mail_server() as found:
        yield found


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    """Where people of the site can log in too. `live` tells it where the site is."""
    with openid_provider("") as found:
        yield found


@pytest.fixture(scope="session")
def site_environ(
    environ: dict[str, str], postgres_server: Postgres, gateways: SimulatedGateways, box: MailBox, provider: Provider
) -> dict[str, str]:
    """The settings of the journeys' site: a database and a Redis of its own, for it goes on beside other tests.

    The simulated gateways answer what it asks, and what it sends may go to this machine.
    """
    url = create_database(postgres_server.url, "journeys").replace("+psycopg", "")
    own = {"DATABASE_URL": url, "REDIS_URL": environ["REDIS_URL"].replace("/0", "/1")}
    hosts = json.dumps({**gateways.hosts, "api.mollie.com": gateways.url})
    open_way = {"OUTGOING_ALLOW_HTTP": "1", "OUTGOING_ALLOW_PRIVATE": "1"}
    company = {
        "OIDC_ISSUER": provider.issuer,
        "OIDC_CLIENT_ID": CLIENT_ID,
        "OIDC_CLIENT_SECRET": CLIENT_SECRET,
        "OIDC_TITLE": "Toys Inc.",
    }
    return {**environ, **own, **open_way, **company, "GATEWAY_HOSTS": hosts, "SMTP_URL": box.url}


@pytest.fixture(scope="session")
def site_app(site_environ: dict[str, str]) -> Iterator[Flask]:
    """The app on the site's database, for what a journey finds there and looks up afterwards."""
    app = create_app(site_environ, TESTING=True)
    with app.app_context():
        upgrade()
    yield app
    with app.app_context():
        db.engine.dispose()
    app.extensions["bell"].close()
    app.extensions["counters"].close()
    app.extensions["ask"].close()


@pytest.fixture(scope="session")
def live(
    site_app: Flask, site_environ: dict[str, str], provider: Provider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """The site of all journeys, its worker running. Each journey has a shop of its own there."""
    with site(site_environ, tmp_path_factory.mktemp("site")) as running:
        provider.redirect = f"{running.url}/login/provider/back"
        yield running


@pytest.fixture
def context_of_app(site_app: Flask) -> Iterator[None]:
    with site_app.app_context():
        yield
        db.session.rollback()


@dataclass
class World:
    """A shop as its gateways and its manager know it."""

    live: Site
    shop: Shop
    manager: User
    stripe: GatewayAccount
    paypal: GatewayAccount

    def order(self, **more: Any) -> Order:
        return make_order(self.shop, **more)

    def call(self, account: GatewayAccount, said: Message | Request) -> Callback:
        """The gateway calls, over HTTP; the callback it left."""
        request = said if isinstance(said, Request) else request_for(account, said)
        answer = requests.request(
            request.method,
            self.live.url + account.callback_path,
            data=request.body,
            headers=dict(request.headers),
            timeout=10,
        )
        assert answer.status_code == 200
        db.session.rollback()
        return db.session.query(Callback).order_by(Callback.id.desc()).first()  # type: ignore[return-value]

    def looked_at(self, callback: Callback) -> Callback:
        """The callback once an attempt has been made."""

        def done() -> bool:
            db.session.rollback()
            db.session.refresh(callback)
            return callback.attempt_count > 0

        until(done)
        return callback

    def worker_is_back(self) -> None:
        """Started anew and seen at work: a busy machine takes half a minute for that, which is none of what follows."""
        since = utcnow()

        def seen() -> bool:
            db.session.rollback()
            last = Pulse.last()
            return last is not None and last > since

        self.live.start("worker")
        until(seen, 120)

    def given_up(self, callback: Callback) -> Callback:
        """The same, no longer tried again by itself, which would be while somebody makes up their mind about it."""
        self.looked_at(callback)
        callback.due_at = callback.due_kind = None
        db.session.commit()
        return callback


@pytest.fixture
def world(live: Site, context_of_app: None) -> World:
    shop = make_shop()
    manager = make_user(Role.manager, shop)
    paypal = make_account(
        shop, "paypal_ipn", receiver_emails=["paypal@shop.example"], environment="live", order_field="invoice"
    )
    return World(live, shop, manager, make_account(shop), paypal)


@pytest.fixture
def browser_context_args(browser_context_args: dict[str, Any], live: Site) -> dict[str, Any]:
    return {**browser_context_args, "base_url": live.url, "viewport": {"width": 1280, "height": 900}}


def log_in(page: Page, user: User) -> None:
    """By the form's own request, without the form: that one is filled in by keyboard, and for axe by mouse."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.request.get("/login").text())
    assert token is not None
    said = {"csrf_token": token[1], "email": user.email, "password": PASSWORD}
    assert page.request.post("/login", form=said, max_redirects=0).status == 303


def htmx_there(page: Page) -> None:
    """Until then links are links, and what is typed is heard by nobody: htmx begins a moment after the load."""
    if page.locator("script[src*=htmx]").count():
        expect(page.locator("[data-htmx-powered]").first).to_be_attached()


def with_htmx(page: Page) -> Page:
    """Whose pages are ready once they are there."""
    goto = page.goto

    def go(*args: Any, **kwargs: Any) -> Response | None:
        answer = goto(*args, **kwargs)
        htmx_there(page)
        return answer

    page.goto = go  # type: ignore[method-assign]
    return page


@pytest.fixture
def page(page: Page) -> Page:
    return with_htmx(page)


@contextmanager
def held_up(page: Page, pattern: str) -> Iterator[None]:
    """What the page asks there is answered behind the block, not before."""
    asked: list[Route] = []
    behind = False

    def answer(route: Route) -> None:
        if behind:
            route.continue_()
        else:
            asked.append(route)

    page.route(pattern, answer)
    yield
    behind = True
    for route in asked:
        route.continue_()


@pytest.fixture
def desk(page: Page, world: World) -> Page:
    """The manager's browser, logged in."""
    log_in(page, world.manager)
    return page


@pytest.fixture
def plain_desk(browser: Browser, browser_context_args: dict[str, Any], world: World) -> Iterator[Page]:
    """The same without JavaScript."""
    context: BrowserContext = browser.new_context(**browser_context_args, java_script_enabled=False)
    page = context.new_page()
    log_in(page, world.manager)
    yield page
    context.close()
