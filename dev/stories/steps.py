"""The steps of a story, and how they must end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shopcallbacks.domain.errors import Conflict, Reason
from shopcallbacks.domain.states import OrderState, State
from shopcallbacks.domain.values import Answer, Ask

from .account import Account

Silence = None  # the gateway is asked and says nothing at all
# What the gateway will be asked, and what it says the first, second ... time; the last stays.
Question = tuple[Ask, tuple[Answer | None, ...]]


@dataclass(frozen=True)
class End:
    """Where a callback stands when all is quiet. `reasons`: one of them, if it waits; `conflict`: the closer one."""

    state: State
    reasons: frozenset[Reason] = frozenset()
    conflict: Conflict | None = None


PROCESSED = End(State.processed)


def unprocessed(*reasons: Reason, conflict: Conflict | None = None) -> End:
    return End(State.unprocessed, frozenset(reasons), conflict)


def conflicting(conflict: Conflict) -> End:
    return unprocessed(Reason.order_conflict, conflict=conflict)


@dataclass(frozen=True)
class PlaceOrder:
    """The shop hands in an order (the API's JSON), also again, which ends in that state with so many payments."""

    account: Account
    order: Mapping[str, Any]
    end: OrderState
    payments: int
    wait: float


@dataclass(frozen=True)
class CancelOrder:
    """The shop gives it up."""

    account: Account
    number: str
    wait: float


@dataclass(frozen=True)
class Call:
    """A gateway calls the account's URL, `wait` seconds after the step before."""

    account: Account
    method: str
    query: bytes
    headers: tuple[tuple[str, str], ...]
    body: bytes
    end: End
    questions: tuple[Question, ...]
    wait: float


Step = PlaceOrder | CancelOrder | Call


@dataclass(frozen=True)
class Story:
    name: str
    number: str
    steps: tuple[Step, ...]

    @property
    def calls(self) -> list[Call]:
        return [step for step in self.steps if isinstance(step, Call)]


class CannotSay(Exception):
    """The gateway has no way of saying this, or only the gateway itself can."""
