"""Which stories are told: by weight, by name, or as many as a test wants."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from random import Random

from .account import Account
from .plots import PLOTS
from .scene import Scene
from .steps import CannotSay, Story

Mix = Mapping[str, int]
MIXES: dict[str, Mix] = {
    "default": {name: one.weight for name, one in PLOTS.items()},
    "calm": {name: one.weight for name, one in PLOTS.items() if not one.trouble},
    "rough": {name: one.weight * (10 if one.trouble else 1) for name, one in PLOTS.items()},
}


def read_mix(text: str) -> Mix:
    """A mix by its name, or `paid=5,forged=1`; `ValueError` with a sentence."""
    if text in MIXES:
        return MIXES[text]
    weights = {name: weight for name, _, weight in (part.partition("=") for part in text.split(","))}
    if unknown := sorted(weights.keys() - PLOTS.keys()):
        raise ValueError(f"no story {', '.join(unknown)}; a mix is {', '.join(MIXES)} or some of {', '.join(PLOTS)}")
    if not all(weight.isdecimal() for weight in weights.values()) or not any(map(int, weights.values())):
        raise ValueError("each story needs a weight, paid=5,forged=1")
    return {name: int(weight) for name, weight in weights.items()}


def tell(name: str, account: Account, at: datetime, number: str, rng: Random) -> Story:
    """The story of that name; `CannotSay` where this account can't be in it."""
    if account.closed and name != "switched_off":
        raise CannotSay("this account is used no longer")
    scene = Scene(account, at, number, rng)
    PLOTS[name].tell(scene)
    return Story(name, number, tuple(scene.steps))


def stories(accounts: Sequence[Account], mix: Mix, rng: Random, clock: Callable[[], datetime]) -> Iterator[Story]:
    """Stories without end, each beginning at the clock's time when it is asked for."""
    names, weights = list(mix), list(mix.values())
    unlucky = number = 0
    while unlucky < 1000:
        at, name = clock(), rng.choices(names, weights)[0]
        story = _told(name, rng.sample(accounts, len(accounts)), at, f"{at:%y%m%d%H%M%S}-{number + 1}", rng)
        if story is None:
            unlucky += 1
            continue
        unlucky, number = 0, number + 1
        yield story
    raise CannotSay("none of these accounts can be in any of these stories")


def _told(name: str, accounts: Iterable[Account], at: datetime, number: str, rng: Random) -> Story | None:
    """At the first account that can be in it."""
    for account in accounts:
        with suppress(CannotSay):
            return tell(name, account, at, number, rng)
    return None


def plan(accounts: Sequence[Account], count: int, seed: int, at: datetime, mix: Mix = MIXES["default"]) -> list[Story]:
    """Stories with at least that many callbacks in all, whose ends are certain whoever is faster.

    Stories may be played at the same time; the steps of one story in their order, without waiting.
    """
    told: list[Story] = []
    calls = 0
    for story in stories(accounts, mix, Random(seed), lambda: at):
        if PLOTS[story.name].timed:
            continue
        if PLOTS[story.name].ordered and any(call.account.asks for call in story.calls):
            continue  # gateways are asked several at once, so their callbacks overtake each other
        told.append(story)
        calls += len(story.calls)
        if calls >= count:
            break
    return told
