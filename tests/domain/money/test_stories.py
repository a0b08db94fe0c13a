"""Every story file comes out on the rules of money alone, with a shell in memory around them."""

from __future__ import annotations

import pytest

from .memory import MemoryShell
from .stories import OWN, Story, play, stories


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    told = list(stories(metafunc.config.getoption("--stories") or [OWN]))
    metafunc.parametrize("story", told, ids=[story.name for story in told])


def test_the_story_comes_out(story: Story) -> None:
    play(MemoryShell(story.settings), story)
