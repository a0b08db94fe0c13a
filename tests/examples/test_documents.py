"""What an integrator reads first says what is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from shopcallbacks.cli import GROUPS
from shopcallbacks.extensions import db

from ..processes import ROOT

PAGES = [ROOT / "docs" / "connect-a-shop.md", ROOT / "docs" / "moving-in.md", ROOT / "client" / "README.md"]
CONNECT = PAGES[0].read_text()


@pytest.mark.parametrize("file", sorted((ROOT / "examples" / "verify").glob("verify.*")), ids=lambda file: file.name)
def test_the_page_shows_the_snippet_that_is_run(file: Path) -> None:
    assert f"\n{file.read_text().rstrip()}\n```" in CONNECT


def test_the_statements_it_shows_send_the_goods_once(bare_app: Flask) -> None:
    (shown,) = re.findall(r"```sql\n(.*?)```", CONNECT, re.DOTALL)
    make, begin, *each, commit, _ = [line.strip() for line in re.sub("--.*", "", shown).split(";")]
    assert (begin, commit) == ("BEGIN", "COMMIT")
    told = [(1, "temporary"), (2, "open"), (3, "open"), (2, "open"), (4, "refunded"), (1, "temporary"), (5, "open")]
    with bare_app.app_context(), db.engine.connect() as connection:
        connection.execute(text("CREATE TEMP TABLE orders (number text PRIMARY KEY, state text, place bigint)"))
        connection.execute(text(make.replace("CREATE", "CREATE TEMP")))
        connection.execute(text("INSERT INTO orders VALUES ('26-1', 'temporary', 0), ('26-2', 'temporary', 0)"))
        for position, to in told:
            for statement in each:
                connection.execute(text(statement), {"order": "26-1", "to": to, "position": position})
        assert connection.execute(text("SELECT number FROM parcels")).all() == [("26-1",)]
        assert connection.execute(text("SELECT * FROM orders WHERE number = '26-1'")).all() == [("26-1", "open", 5)]


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
