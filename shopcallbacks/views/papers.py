"""The papers of this release, to be read as pages: docs/*.md and CHANGELOG.md, as HTML."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "screenshots"
CHANGES = "changes"
# By whom they are for, in reading order.
PAPERS = {
    "For shop managers": ("manager-guide", CHANGES),
    "For admins and accountants": ("admin-guide", "gateways", "money"),
    "For shop developers": ("connect-a-shop", "moving-in", "adding-a-gateway"),
    "For who runs it": ("operate", "debian", "platforms", "back-ups", "security", "performance"),
}
_ALL = {name for names in PAPERS.values() for name in names}
_PAGES = _ALL | {"api"}  # the API is read from its document, beside them


@dataclass(frozen=True)
class Paper:
    """`html`: all but the title, in our own pages' addresses. It is our own, so what HTML it holds is passed on."""

    title: str
    html: str


@cache
def paper(name: str) -> Paper:
    """`LookupError` where there is none of that name."""
    if name not in _ALL:
        raise LookupError(name)
    path = ROOT / "CHANGELOG.md" if name == CHANGES else ROOT / "docs" / f"{name}.md"
    reader = MarkdownIt("commonmark").enable("table")
    tokens = reader.parse(path.read_text(encoding="utf-8"))
    title = "What is new" if name == CHANGES else tokens[1].content
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", _anchor(tokens[place + 1].content))
        token.children = _without_dead_ends(token.children) if token.children else token.children
    return Paper(title, str(reader.renderer.render(tokens[3:], reader.options, {})))


def _anchor(heading: str) -> str:
    """As the places where documents are commonly read make it: "Many at once" is many-at-once."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def _without_dead_ends(tokens: list[Token]) -> list[Token]:
    """Links to other papers lead to their pages; those into the source are only words."""
    kept: list[Token] = []
    dropped = False
    for token in tokens:
        if token.type == "link_open":
            address = _page(str(token.attrGet("href")))
            dropped = address is None
            token.attrSet("href", address or "")
        if not (dropped and token.type in ("link_open", "link_close")):
            kept.append(token)
    return kept


def _page(address: str) -> str | None:
    """The address on our pages; None where there is none."""
    if address.startswith(("#", "https://", "http://", "mailto:")):
        return address
    path, _, part = address.partition("#")
    name = path.removeprefix("../").removeprefix("docs/").removesuffix(".md")
    name = CHANGES if name == "CHANGELOG" else name
    return name + (f"#{part}" if part else "") if name in _PAGES else None
