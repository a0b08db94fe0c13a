"""The site of a bad night, and a browser's page for each who looks at it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page
from redis import Redis as RedisClient

from dev.services import Postgres, free_port
from dev.simulator import SimulatedGateways
from shopcallbacks import create_app
from shopcallbacks.extensions import db
from tests.browser.bad_night import ADMIN, VIEWER, bad_night, links
from tests.browser.screens import NOBODY
from tests.conftest import empty
from tests.factories import PASSWORD
from tests.processes import Site, site


@pytest.fixture(scope="module")
def live(
    bare_app: Flask,
    environ: dict[str, str],
    postgres_server: Postgres,
    redis_client: RedisClient,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """Without a worker: what is at work stays at work. And no screen changes while axe looks at it."""
    empty(bare_app, postgres_server, redis_client)
    with site(environ, tmp_path_factory.mktemp("site"), worker=False, FOLLOW_SECONDS="60") as running:
        yield running


@pytest.fixture(scope="module")
def away(environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The same site when its database is away."""
    nowhere = f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"
    with site(environ, tmp_path_factory.mktemp("away"), worker=False, DATABASE_URL=nowhere) as running:
        yield running


@pytest.fixture(scope="module")
def our_app(environ: dict[str, str], live: Site, gateways: SimulatedGateways) -> Iterator[Flask]:
    hosts = json.dumps(gateways.hosts)
    open_way = {"GATEWAY_HOSTS": hosts, "OUTGOING_ALLOW_HTTP": "1", "OUTGOING_ALLOW_PRIVATE": "1"}
    app = create_app({**environ, **open_way, "PUBLIC_URL": live.url})
    with app.app_context():
        yield app
        db.session.rollback()
        db.engine.dispose()
    app.extensions["bell"].close()
    app.extensions["ask"].close()


@pytest.fixture(scope="module")
def things(our_app: Flask, away: Site) -> dict[str, object]:
    return {**bad_night(), **links(), "away": away.url}


@pytest.fixture(scope="module")
def sheets(browser: Browser, live: Site, things: dict[str, object]) -> Iterator[Mapping[str, Page]]:
    """One for each, logged in, for all screens: so nobody is logged in anew in between."""
    found = {}
    for email in (NOBODY, ADMIN, VIEWER):
        context = browser.new_context(base_url=live.url, reduced_motion="reduce")
        page = found[email] = context.new_page()
        if email:
            page.goto("/login")
            page.get_by_label("E-mail").fill(email)
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Log in").click()
            page.wait_for_url("**/")
    yield found
    for page in found.values():
        page.context.close()
