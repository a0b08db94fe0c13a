"""The screens where callbacks are listed, shown and decided on: axe finds nothing, and nothing is cut."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from playwright.sync_api import Page

from tests.browser.bad_night import ADMIN, worker_seen
from tests.browser.screens import Screen, of_callbacks

from .looking import WIDTHS, hangs_over, look


@pytest.mark.parametrize("screen", of_callbacks(True), ids=lambda screen: screen.name)
def test_axe_finds_nothing_in_light_and_dark_and_nothing_is_cut(
    screen: Screen, sheets: Mapping[str, Page], things: dict[str, object]
) -> None:
    found = look(screen, sheets, things)
    assert not found, "\n".join(found)


def test_on_a_phone_the_first_callback_stands_above_the_middle(sheets: Mapping[str, Page]) -> None:
    worker_seen(minutes_ago=0)
    sheet = sheets[ADMIN]
    sheet.set_viewport_size({"width": 390, "height": 844})
    sheet.goto("/callbacks?shop=night")
    place = sheet.locator("tr.call").first.bounding_box()
    assert place is not None
    assert place["y"] < 844 / 2


def test_order_numbers_and_sums_of_twelve_digits_stand_in_one_line_where_there_is_room(
    sheets: Mapping[str, Page],
) -> None:
    sheet = sheets[ADMIN]
    sheet.goto("/callbacks?shop=night&tab=all")
    sheet.locator(".call-order a").first.evaluate("link => { link.textContent = '251123163204-26'; }")
    sheet.locator("td.call-amount").first.evaluate("cell => { cell.textContent = '1,234,567,890.99\u00a0EUR'; }")
    for width in WIDTHS:
        sheet.set_viewport_size({"width": width, "height": 844})
        assert sheet.locator(".call-order a").first.evaluate("link => link.getClientRects().length") == 1, width
        assert not hangs_over(sheet), width
        assert sheet.locator("td.call-amount").first.evaluate("cell => cell.scrollWidth <= cell.clientWidth"), width
