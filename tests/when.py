"""When a test runs: with each change or each night, and which first (docs/decisions/tests.md)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
# Each night, and not with each change: what takes a browser, processes of its own, or every order of locks.
NIGHTLY = (
    "browser",
    "chaos/test_runs.py",
    "deploy/test_started.py",
    "dev/test_stories.py",
    "e2e",
    "examples/test_shops.py",
    "races/test_lock_order.py",
)
# Of these with each change too: the ways most walked.
DAILY = (
    "browser/test_journeys.py",
    "browser/test_undo_journeys.py",
    "e2e/test_pgbouncer.py",
    "e2e/test_replica.py",
    "e2e/test_web_process.py",
)
# Workers take file after file in this order, so the longest come first: else one worker ends long after the others.
# Those that mostly wait stand beside those that work, for there are more workers than cores.
LONGEST = (
    "chaos/test_runs.py",
    "browser/accessibility/test_others.py",
    "processing/test_stories.py",
    "e2e/test_processes.py",
    "browser/accessibility/test_callbacks.py",
    "races/test_lock_order.py",
    "e2e/test_shown_by.py",
    "test_hidden.py",
    "browser/test_journeys.py",
    "test_plans.py",
    "e2e/test_web_process.py",
    "test_fuzz.py",
    "e2e/test_frozen.py",
    "browser/test_comfort_journeys.py",
    "e2e/test_restarts.py",
    "e2e/test_bulk.py",
    "e2e/test_hosts.py",
    "dev/test_stories.py",
    "e2e/test_outgoing.py",
)


def mark(items: Iterable[pytest.Item]) -> None:
    for item in items:
        if _is_in(item, NIGHTLY) and not _is_in(item, DAILY):
            item.add_marker(pytest.mark.night)


def sort(items: list[pytest.Item]) -> None:
    places = {HERE / file: place for place, file in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


def _is_in(item: pytest.Item, places: Iterable[str]) -> bool:
    return any(item.path.is_relative_to(HERE / place) for place in places)


_GONE = [place for place in (*NIGHTLY, *DAILY, *LONGEST) if not (HERE / place).exists()]
assert not _GONE, f"listed in {__file__} and gone: {_GONE}"
