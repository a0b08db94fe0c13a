"""A look at a screen: with axe in light and dark, then at every width."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from tests.browser.bad_night import worker_seen
from tests.browser.screens import NOBODY, Screen

RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}  # all that the dark can change

# 320 px is a screen of 1280 px at 400 % (WCAG 1.4.10); then phones, tablets, laptops and large screens.
WIDTHS = (320, 390, 768, 820, 1024, 1280, 1920)


def look(screen: Screen, sheets: Mapping[str, Page], things: Mapping[str, object]) -> list[str]:
    """What is wrong with it."""
    sheet = sheets[screen.who]
    if screen.who is NOBODY:
        sheet.context.clear_cookies()
    worker_seen(minutes_ago=0 if screen.worker else 10)
    sheet.set_viewport_size({"width": 1280, "height": 900})
    sheet.emulate_media(color_scheme="light", reduced_motion="reduce")
    screen.open(sheet, things)
    sheet.evaluate(AXE_SCRIPT)  # not a script of the page's own: its content security policy stands
    found = found_by_axe(sheet, RULES)
    sheet.emulate_media(color_scheme="dark", reduced_motion="reduce")
    found += [f"dark: {one}" for one in found_by_axe(sheet, COLOURS)]
    for width in WIDTHS:
        sheet.set_viewport_size({"width": width, "height": 844})
        found += [f"cut at {width}: {one}" for one in hangs_over(sheet) + cut_reasons(sheet)]
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
