"""`flask secrets`: whether SECRETS_KEY still reads all that is sealed, and sealing it anew with the newest key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy import select

from ..extensions import db
from ..outgoing.alerts.rules import AlertRules
from ..outgoing.endpoint import Endpoint
from ..outgoing.signing import SigningSecret
from ..shops.sealing import Unreadable, is_sealed_anew, seal, unseal
from ..shops.second_factor import SecondFactor
from ..shops.secrets import Secret
from .base import plain_errors, table

secrets = AppGroup("secrets", help="What is sealed with SECRETS_KEY: check it, seal it anew with the newest key.")

# What it is, its table, and the column that is sealed. Each row says its `place`.
SEALED: tuple[tuple[str, type[Any], str], ...] = (
    ("gateways' secrets", Secret, "ciphertext"),
    ("signing secrets", SigningSecret, "ciphertext"),
    ("alert webhooks", AlertRules, "webhook_sealed"),
    ("endpoint addresses", Endpoint, "url_sealed"),
    ("second factors", SecondFactor, "sealed"),
)


@secrets.command("check")
@plain_errors
def check() -> None:
    """How many are sealed with the newest key, with an older one, or can't be read: then the exit code is 1."""
    lost = _report(_look)
    if lost:
        raise ValueError(f"{lost} can't be read with SECRETS_KEY: put back the key they were sealed with.")


@secrets.command("reseal")
@plain_errors
def reseal() -> None:
    """Seals everything with the newest key. What can't be read stays as it is."""
    lost = _report(_seal_anew)
    if lost:
        raise ValueError(f"{lost} can't be read with SECRETS_KEY and stayed as they are.")
    click.echo("All are sealed with the newest key: the older ones can go from SECRETS_KEY.")


def _report(do: Callable[[Any, str], str]) -> int:
    """Says what came of it, kind by kind. How many can't be read."""
    rows, lost = [], 0
    for name, kind, column in SEALED:
        found = [do(row, column) for row in _rows(kind, column)]
        new, old, unreadable = (found.count(word) for word in ("new", "old", "unreadable"))
        rows.append((name, new, old, unreadable))
        lost += unreadable
    db.session.commit()
    table(rows, ("WHAT", "NEWEST KEY", "OLDER KEY", "UNREADABLE"))
    return lost


def _rows(kind: type[Any], column: str) -> Iterator[Any]:
    yield from db.session.scalars(select(kind).where(getattr(kind, column).is_not(None)))


def _look(row: Any, column: str) -> str:
    sealed = getattr(row, column)
    if is_sealed_anew(sealed, row.place):
        return "new"
    try:
        unseal(sealed, row.place)
    except Unreadable:
        return "unreadable"
    return "old"


def _seal_anew(row: Any, column: str) -> str:
    db.session.refresh(row, with_for_update=True)
    found = _look(row, column)
    if found == "old":
        setattr(row, column, seal(unseal(getattr(row, column), row.place), row.place))
        return "new"
    return found


def count_unreadable() -> int:
    """How many sealed things SECRETS_KEY does not read."""
    return sum(_look(row, column) == "unreadable" for _, kind, column in SEALED for row in _rows(kind, column))
