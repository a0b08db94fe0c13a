"""Undo: a removal is taken back by a restoration, a restoration by a removal, while nothing came after it."""

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
        yield Done(act, _opposite(act) is not None and newest is not None and newest.id == act.id)


def undo(act: Activity, callback: Callback, user: User) -> Verb:
    """Does the opposite to its locked callback; the verb that did it. `Refused` where something came after the act."""
    last = Activity.last_about(callback.id)
    opposite = _opposite(act)
    if opposite is None or last is None or last.id != act.id:
        raise Refused(f"This can't be undone any more: the callback is {callback.last_move}.")
    callback.do(opposite, user, f"Undo: it was {acts.past(act.verb)} by mistake")
    return opposite


def _opposite(act: Activity) -> Verb | None:
    verb = Verb.named(act.verb)
    return verb.opposite if verb else None
