"""Story files: what a shop's day does to its orders, read and played on whatever shell there is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from shopcallbacks.domain.money import Ruling, Settings, Verb
from shopcallbacks.domain.values import Message, Money, Outcome

OWN = Path(__file__).parent / "stories"
EPOCH = datetime(2026, 5, 1, tzinfo=UTC)


class Shell(Protocol):
    """What plays a story: over the database, or in memory. An answer is what the story calls it, None where none."""

    def hand_in(self, number: str, total: Money, expires_in: int | None) -> str: ...

    def tell(self, id_: str, account: str, message: Message) -> None: ...

    def rule(self, id_: str, ruling: Ruling) -> str | None: ...

    def settle(self, number: str) -> str: ...

    def enough(self, number: str) -> str: ...

    def cancel(self, number: str) -> str: ...

    def wait(self, seconds: int) -> None: ...

    def fates(self) -> Mapping[str, str]:
        """Of every message so far: an effect, `closed`, or `!reason` where it waits."""

    def orders(self) -> Mapping[str, Mapping[str, Any]]:
        """Of every order: `state`, `paid`, `given_back`, `owed`, and `owed_other` where there is any."""

    def events(self) -> Mapping[str, list[str]]:
        """Of every order the kinds in its feed."""


@dataclass(frozen=True)
class Story:
    name: str
    why: str
    settings: Settings
    steps: tuple[Mapping[str, Any], ...]
    expect: tuple[Mapping[str, Any], ...]
    events: Mapping[str, list[str]]

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Story:
        return cls(
            data["name"],
            data["why"],
            Settings(**data.get("settings", {})),
            tuple(data["steps"]),
            tuple(data["expect"]),
            data["events"],
        )


def stories(folders: Iterable[Path | str]) -> Iterator[Story]:
    for folder in folders:
        for path in sorted(Path(folder).glob("*.json")):
            yield from map(Story.of, json.loads(path.read_text()))


def play(shell: Shell, story: Story) -> None:
    """Plays the story; `AssertionError` naming the first step that did not come out."""
    before: Mapping[str, str] = {}
    for place, (step, expect) in enumerate(zip(story.steps, story.expect, strict=True), 1):
        answer = _do(shell, step)
        fates = dict(shell.fates())
        came_out = {
            "fates": {id_: fate for id_, fate in fates.items() if before.get(id_) != fate},
            "orders": {number: dict(figures) for number, figures in shell.orders().items()},
            "answer": answer,
        }
        assert came_out == {"answer": None, **expect}, f"step {place}: {json.dumps(step)}"
        before = fates
    assert {number: list(kinds) for number, kinds in shell.events().items()} == story.events


def _do(shell: Shell, step: Mapping[str, Any]) -> str | None:
    match step["do"]:
        case "order":
            total = Money(step["minor"], step["currency"])
            return shell.hand_in(step["number"], total, step.get("expires_in"))
        case "message":
            return shell.tell(step["id"], step["account"], message_of(step))
        case "person" if step["verb"] == "settle":
            return shell.settle(step["order"])
        case "person" if step["verb"] == "enough":
            return shell.enough(step["order"])
        case "person":
            ruling = Ruling(Verb(step["verb"]), step.get("minor"), step.get("transaction"))
            return shell.rule(step["message"], ruling)
        case "cancel":
            return shell.cancel(step["number"])
        case "wait":
            return shell.wait(step["seconds"])
        case unknown:
            raise ValueError(f"no such step: {unknown}")


def message_of(step: Mapping[str, Any]) -> Message:
    at = step.get("at")
    return Message(
        Outcome(step["outcome"]),
        order_number=step.get("order"),
        transaction_id=step.get("transaction"),
        money=Money(step["minor"], step["currency"]) if step.get("minor") is not None else None,
        movement=step.get("movement"),
        total=step.get("total", False),
        at_least=step.get("at_least", False),
        part=step.get("part", False),
        carries_on=step.get("carries_on"),
        uncaptured=step.get("uncaptured", False),
        at=EPOCH + timedelta(seconds=at) if at is not None else None,
    )
