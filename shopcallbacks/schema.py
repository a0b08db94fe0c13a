"""Where the database's schema stands: at the newest migration of this code, before it, or beyond it."""

from __future__ import annotations

from functools import cache

from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import func, select, text

from .extensions import db, migrate


def heads() -> tuple[str, ...]:
    """The revisions that the database is at; none of an empty one. (Alembic's own way to ask logs two lines.)"""
    if db.session.scalar(select(func.to_regclass("alembic_version"))) is None:
        return ()
    return tuple(db.session.scalars(text("SELECT version_num FROM alembic_version")))


@cache
def known() -> tuple[frozenset[str], frozenset[str]]:
    """The revisions that this code knows, and the newest of them."""
    script = ScriptDirectory.from_config(migrate.get_config(current_app.extensions["migrate"].directory))
    return frozenset(one.revision for one in script.walk_revisions()), frozenset(script.get_heads())


def behind() -> bool:
    """A migration of this code has not been run. One that a newer release has run is not known here, and no trouble:
    the release before works on until the last of its processes is stopped.
    """
    all_, newest = known()
    at = set(heads())
    return not at or bool(at & (all_ - newest))
