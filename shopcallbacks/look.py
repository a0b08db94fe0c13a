"""How the database is looked at by whoever decides: to change what was read, or only to say what would come of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Look:
    """Each look-up as it is asked. `locks`: what is read here is held until the transaction ends, to be changed."""

    locks = True

    def __call__(self, look_up: Callable[P, T], *keys: P.args, **more: P.kwargs) -> T:
        return look_up(*keys, **more)


ANEW = Look()


class Snapshot(Look):
    """Nothing is locked and nothing is asked twice, however many previews go by it: all of them see one moment.

    Keys are hashable, and nobody changes an answer.
    """

    locks = False

    def __init__(self) -> None:
        self._answers: dict[Any, Any] = {}

    def __call__(self, look_up: Callable[P, T], *keys: P.args, **more: P.kwargs) -> T:
        asked = look_up, keys, *more.items()
        if asked not in self._answers:
            self._answers[asked] = look_up(*keys, **more)
        answer: T = self._answers[asked]
        return answer
