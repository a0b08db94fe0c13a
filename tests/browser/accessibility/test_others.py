"""All screens but those of callbacks: axe finds nothing, and nothing is cut."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from flask import Flask
from playwright.sync_api import Page

from tests.browser.screens import NO_SCREENS, SCREENS, Screen, of_callbacks

from .looking import look


@pytest.mark.parametrize("screen", of_callbacks(False), ids=lambda screen: screen.name)
def test_axe_finds_nothing_in_light_and_dark_and_nothing_is_cut(
    screen: Screen, sheets: Mapping[str, Page], things: dict[str, object]
) -> None:
    found = look(screen, sheets, things)
    assert not found, "\n".join(found)


def test_every_screen_is_looked_at(our_app: Flask, things: dict[str, object]) -> None:
    adapter = our_app.url_map.bind("127.0.0.1")
    paths = [screen.address.format(**{**things, "away": ""}).partition("?")[0] for screen in SCREENS]
    shown = {adapter.match(path)[0] for path in paths}
    answered = {rule.endpoint for rule in our_app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    assert answered - shown - set(NO_SCREENS) == set(), "add them to tests/browser/screens.py"
    assert set(NO_SCREENS) - answered == set(), "gone"
