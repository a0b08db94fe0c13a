"""axe finds nothing on any screen, in light and dark; and nothing is cut where little fits on the screen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page

from dev.services import Postgres, free_port
from dev.simulator import SimulatedGateways
from shopcallbacks import create_app
from shopcallbacks.extensions import db
from tests.conftest import empty
from tests.factories import PASSWORD
from tests.processes import Site, site

from .bad_night import ADMIN, VIEWER, bad_night, links, worker_seen
from .screens import NO_SCREENS, NOBODY, SCREENS, Screen

RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}  # all that the dark can change

# 320 px is a screen of 1280 px at 400 % (WCAG 1.4.10); then phones, tablets, laptops and large screens.
WIDTHS = (320, 390, 768, 820, 1024, 1280, 1920)


@pytest.fixture(scope="module")
def live(
    environ: dict[str, str], postgres_server: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """Without a worker: what is at work stays at work. And no screen changes while axe looks at it."""
    empty(postgres_server)
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
def window(browser: Browser, live: Site) -> Iterator[BrowserContext]:
    """One for all screens."""
    context = browser.new_context(base_url=live.url, viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    context.add_init_script(AXE_SCRIPT)  # not a script of the page's own: its content security policy stands
    yield context
    context.close()


@pytest.fixture(scope="module")
def sheet(window: BrowserContext) -> Page:
    return window.new_page()


@pytest.fixture(scope="module")
def cookies(window: BrowserContext, things: dict[str, object]) -> dict[str, list[Any]]:
    """Of each who is logged in."""
    found: dict[str, list[Any]] = {NOBODY: []}
    page = window.new_page()
    for email in (ADMIN, VIEWER):
        window.clear_cookies()
        page.goto("/login")
        page.get_by_label("E-mail").fill(email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/")
        found[email] = window.cookies()
    page.close()
    return found


def found_by_axe(page: Page, rules: dict[str, Any]) -> list[str]:
    options = {"resultTypes": ["violations"], "runOnly": rules, "preload": False}
    return [
        f"{found['impact']} {found['id']} at {node['target'][0]}: {node['failureSummary'].splitlines()[-1].strip()}"
        for found in page.evaluate("options => axe.run(options)", options)["violations"]
        for node in found["nodes"]
    ]


def hangs_over(page: Page) -> list[str]:
    """What is wider than the screen and does not scroll by itself, where the page can be pushed sideways."""
    return page.evaluate("""() => {
        const width = document.documentElement.clientWidth;
        if (document.documentElement.scrollWidth <= width) return [];
        const rolls = one => one && (getComputedStyle(one).overflowX !== "visible" || rolls(one.parentElement));
        return [...document.querySelectorAll("body *")]
            .filter(one => one.getBoundingClientRect().right > width + 1 && !rolls(one.parentElement))
            .map(one => `${one.tagName}.${one.className}`).slice(0, 8);
    }""")


def cut_reasons(page: Page) -> list[str]:
    """Why something waits, where not all of it is to be seen."""
    return page.evaluate("""() => [...document.querySelectorAll(".call-why p:first-child, .cause h2, .cluster h2")]
        .filter(one => one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 4)
        .map(one => one.textContent.trim())""")


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
def test_axe_finds_nothing_in_light_and_dark_and_nothing_is_cut(
    screen: Screen, window: BrowserContext, sheet: Page, cookies: dict[str, list[Any]], things: dict[str, object]
) -> None:
    sheet.goto("about:blank")  # a screen that still asks would be led to the log-in meanwhile
    window.clear_cookies()
    window.add_cookies(cookies[screen.who])
    worker_seen(minutes_ago=0 if screen.worker else 10)
    sheet.set_viewport_size({"width": 1280, "height": 900})
    sheet.emulate_media(color_scheme="light", reduced_motion="reduce")
    screen.open(sheet, things)
    in_light = found_by_axe(sheet, RULES)
    sheet.emulate_media(color_scheme="dark", reduced_motion="reduce")
    in_dark = [f"dark: {found}" for found in found_by_axe(sheet, COLOURS)]
    cut = []
    for width in WIDTHS:
        sheet.set_viewport_size({"width": width, "height": 844})
        cut += [f"cut at {width}: {found}" for found in hangs_over(sheet) + cut_reasons(sheet)]
    assert not (in_light + in_dark + cut), "\n".join(in_light + in_dark + cut)


def test_on_a_phone_the_first_callback_stands_above_the_middle(
    window: BrowserContext, sheet: Page, cookies: dict[str, list[Any]]
) -> None:
    window.clear_cookies()
    window.add_cookies(cookies[ADMIN])
    sheet.set_viewport_size({"width": 390, "height": 844})
    sheet.goto("/callbacks?shop=night")
    place = sheet.locator("tr.call").first.bounding_box()
    assert place is not None
    assert place["y"] < 844 / 2


def test_order_numbers_and_sums_of_twelve_digits_stand_in_one_line_where_there_is_room(
    window: BrowserContext, sheet: Page, cookies: dict[str, list[Any]]
) -> None:
    window.clear_cookies()
    window.add_cookies(cookies[ADMIN])
    sheet.goto("/callbacks?shop=night&tab=all")
    sheet.locator(".call-order a").first.evaluate("link => { link.textContent = '251123163204-26'; }")
    sheet.locator("td.call-amount").first.evaluate("cell => { cell.textContent = '1,234,567,890.99\u00a0EUR'; }")
    for width in WIDTHS:
        sheet.set_viewport_size({"width": width, "height": 844})
        assert sheet.locator(".call-order a").first.evaluate("link => link.getClientRects().length") == 1, width
        assert not hangs_over(sheet), width
        assert sheet.locator("td.call-amount").first.evaluate("cell => cell.scrollWidth <= cell.clientWidth"), width


def test_every_screen_is_looked_at(our_app: Flask, things: dict[str, object]) -> None:
    adapter = our_app.url_map.bind("127.0.0.1")
    paths = [screen.address.format(**{**things, "away": ""}).partition("?")[0] for screen in SCREENS]
    shown = {adapter.match(path)[0] for path in paths}
    answered = {rule.endpoint for rule in our_app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    assert answered - shown - set(NO_SCREENS) == set(), "add them to tests/browser/screens.py"
    assert set(NO_SCREENS) - answered == set(), "gone"
