"""Orders that a shop brings along: a CSV or JSON lines with the fields of the API's orders, and `created_at`."""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..callbacks import moves
from ..domain.money import Answer
from ..extensions import db
from ..orders.intake import BadOrder, NewOrder, parse_new_order
from ..shops.accounts import Shop
from .reading import Unreadable, json_lines, json_object, moment, read_all

ACTOR = "import"


@dataclass
class HandedIn:
    """What came of them: how many, by answer; and a sentence for each that was refused."""

    answers: Counter[Answer] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    woken: bool = False


def read_orders(text: str, shop: Shop) -> list[NewOrder]:
    """All orders of the file; `Unreadable`, with the line and what is wrong in it, unless all can be taken."""
    places = json_lines(text) if text.lstrip().startswith("{") else _rows(text)
    places = list(places)
    orders = read_all(places, lambda told: _order(json_object(told) if isinstance(told, str) else told, shop))
    _check_once((order.number, place) for order, (place, _) in zip(orders, places, strict=True))
    return orders


def _check_once(named: Iterable[tuple[str, str]]) -> None:
    """Of two orders of one number nobody knows which is meant."""
    places = defaultdict(list)
    for number, place in named:
        places[number].append(place)
    if twice := [f"{number} stands in {', '.join(found)}" for number, found in places.items() if len(found) > 1]:
        raise Unreadable(twice)


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
    """Those that are new, each in a transaction of its own: no order is waited for while the shop's feed is held.
    `end` ends a transaction: commits, or of a preview rolls back.
    """
    found = HandedIn()
    for new in orders:
        try:
            moved = moves.hand_in(new, shop, only_new=True)
        except BadOrder as error:
            db.session.rollback()
            found.refused.append(f"{new.number}: {error}")
            continue
        end()
        woken = moves.woken_behind(moved)
        end()
        found.answers[moved.answer] += 1
        found.woken = found.woken or moved.woken or woken
    return found
