"""Orders that a shop brings along: a CSV or JSON lines with the fields of the API's orders, and `created_at`."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..callbacks import moves
from ..domain.errors import Refused
from ..domain.money import Answer
from ..extensions import db
from ..orders.intake import BadOrder, NewOrder, parse_new_order
from ..shops.accounts import Shop
from .reading import json_lines, json_object, moment, read_all

ACTOR = "import"


@dataclass
class HandedIn:
    """What came of them: how many, by answer; and a sentence for each that was refused."""

    answers: Counter[Answer] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    woken: bool = False


def read_orders(text: str, shop: Shop) -> list[NewOrder]:
    """All orders of the file; `Unreadable`, with the line and what is wrong in it, unless all can be taken."""
    text = text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    places = json_lines(text) if text.lstrip().startswith("{") else _rows(text)
    return read_all(places, lambda told: _order(json_object(told) if isinstance(told, str) else told, shop))


def _rows(text: str) -> list[tuple[str, Any]]:
    """A CSV's rows by the names in its first line. An empty cell says nothing."""
    reader = csv.DictReader(io.StringIO(text, newline=""))
    found: list[tuple[str, Any]] = []
    for row in reader:
        told: dict[str, Any] = {name or "": cell for name, cell in row.items() if cell}
        if (test := told.get("test")) in ("true", "false"):
            told["test"] = test == "true"
        found.append((f"line {reader.line_num}", told))
    return found


def _order(told: dict[str, Any], shop: Shop) -> NewOrder:
    created_at = told.pop("created_at", None)
    try:
        new = parse_new_order(told, shop, ACTOR)
    except BadOrder as error:
        raise ValueError(", ".join(f"{name} {problem}" for name, problem in error.problems.items())) from None
    return replace(new, created_at=moment(created_at, "created_at")) if created_at is not None else new


def hand_in(orders: Sequence[NewOrder], shop: Shop, end: Callable[[], None]) -> HandedIn:
    """As the API takes them, each in a transaction of its own: no order is waited for while the shop's feed is held.
    `end` ends a transaction: commits, or of a preview rolls back.
    """
    found = HandedIn()
    for new in orders:
        try:
            moved = moves.hand_in(new, shop)
        except (Refused, BadOrder) as error:
            db.session.rollback()
            found.refused.append(f"{new.number}: {error}")
            continue
        end()
        woken = moves.woken_behind(moved)
        end()
        found.answers[moved.answer] += 1
        found.woken = found.woken or moved.woken or woken
    return found
