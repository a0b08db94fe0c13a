"""What an integrator reads first says what is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shopcallbacks.cli import GROUPS

from ..processes import ROOT

PAGES = [ROOT / "docs" / "connect-a-shop.md", ROOT / "docs" / "moving-in.md", ROOT / "client" / "README.md"]
CONNECT = PAGES[0].read_text()


@pytest.mark.parametrize("file", sorted((ROOT / "examples" / "verify").glob("verify.*")), ids=lambda file: file.name)
def test_the_page_shows_the_snippet_that_is_run(file: Path) -> None:
    assert f"\n{file.read_text().rstrip()}\n```" in CONNECT


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES[:2], ids=lambda page: page.name)
def test_every_command_it_names_is_there(page: Path) -> None:
    there = {f"{group.name} {name}" for group in GROUPS for name in group.commands}
    named = re.findall(r"flask --app app (\w+ [\w-]+)", page.read_text())
    assert named
    assert set(named) <= there
