"""Undo: what was put away is restored, what was restored is put away as before, and what is owed is decided anew.

Each while nothing came after it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..domain.errors import Refused
from ..domain.states import Verb
from ..shops.acts import Activity
from ..shops.users import User
from ..words import acts
from .callback import Callback


@dataclass(frozen=True)
class Done:
    """An act, and whether it can be undone."""

    act: Activity
    undoable: bool


def tray(user: User, shop_id: int, limit: int = 20) -> list[Done]:
    """The user's last acts in the shop, the newest first."""
    return list(_with_undo(Activity.of_user(user.id, shop_id, limit)))


def _with_undo(done: list[Activity]) -> Iterable[Done]:
    last = Activity.last_of(act.callback_id for act in done if act.callback_id is not None)
    for act in done:
        newest = last.get(act.callback_id) if act.callback_id is not None else None
        yield Done(act, newest is not None and newest.id == act.id and opposite(act) is not None)


def undo(act: Activity, callback: Callback, user: User) -> Verb:
    """Does the opposite to its locked callback; the verb that did it. `Refused` where something came after the act."""
    last = Activity.last_about(callback.id)
    way = opposite(act)
    if way is None or last is None or last.id != act.id:
        raise Refused(f"This can't be undone any more: the callback is {callback.last_move}.")
    callback.do(way, user, f"Undo: it was {acts.past(act.verb)} by mistake")
    return way


def opposite(act: Activity) -> Verb | None:
    """The verb that takes the act back; None where none does."""
    verb = Verb.named(act.verb)
    if verb is Verb.restore and act.callback_id is not None:
        return put_away_by(act.callback_id, before=act)
    return verb.opposite if verb else None


def put_away_by(callback_id: int, before: Activity | None = None) -> Verb:
    """How it was put away last (before that act): as fake or not ours, or as dealt with."""
    act = Activity.last_about(callback_id, *_PUTS_AWAY, before=before)
    return Verb(act.verb) if act is not None else Verb.remove


_PUTS_AWAY = tuple(verb for verb in Verb if verb.opposite is Verb.restore)
