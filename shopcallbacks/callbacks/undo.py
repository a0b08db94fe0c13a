"""Undo: a removal is taken back by a restoration, a restoration by a removal, while nothing came after it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..domain.errors import Refused
from ..shops.acts import Activity
from ..shops.users import User
from .callback import Callback

OPPOSITE = {"remove": "restore", "restore": "remove"}


@dataclass(frozen=True)
class Done:
    """An act, and whether it can be undone."""

    act: Activity
    undoable: bool


def tray(user: User, shop_id: int, limit: int = 20) -> list[Done]:
    """The user's last acts in the shop, the newest first."""
    return list(_with_undo(Activity.of_user(user.id, shop_id, limit)))


def _with_undo(acts: list[Activity]) -> Iterable[Done]:
    last = Activity.last_of(act.callback_id for act in acts if act.callback_id is not None)
    for act in acts:
        newest = last.get(act.callback_id) if act.callback_id is not None else None
        yield Done(act, act.verb in OPPOSITE and newest is not None and newest.id == act.id)


def undo(act: Activity, callback: Callback, user: User) -> str:
    """Does the opposite to its locked callback; the verb that did it. `Refused` where something came after the act."""
    last = Activity.last_about(callback.id)
    if act.verb not in OPPOSITE or last is None or last.id != act.id:
        raise Refused(f"This can't be undone any more: the callback is {callback.last_move}.")
    verb = OPPOSITE[act.verb]
    getattr(callback, verb)(user, f"Undo: it was {'removed' if act.verb == 'remove' else 'restored'} by mistake")
    return verb
