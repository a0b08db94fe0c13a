"""What is measured: the product beside a limit, in turns; told as ratios in one table."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

ROUNDS = 3


@dataclass(frozen=True)
class Line:
    """One row of the table. Both sides are measured in the same unit, in turns; the ratio is of each turn.

    `goal`: what the ratio is to be at least, or at most where less is better.
    """

    what: str
    beside: str
    unit: str
    product: Sequence[float]
    limit: Sequence[float]
    goal: float
    less_is_better: bool = False

    @property
    def ratios(self) -> list[float]:
        return [ours / other for ours, other in zip(self.product, self.limit, strict=True)]

    @property
    def holds(self) -> bool:
        ratio = statistics.median(self.ratios)
        return ratio <= self.goal if self.less_is_better else ratio >= self.goal

    def cells(self) -> tuple[str, ...]:
        sign = "\N{LESS-THAN OR EQUAL TO}" if self.less_is_better else "\N{GREATER-THAN OR EQUAL TO}"
        return (
            self.what,
            f"{_spread(self.product)} {self.unit}",
            self.beside,
            f"{_spread(self.limit)} {self.unit}",
            _spread(self.ratios),
            f"{sign} {self.goal:g}",
            "yes" if self.holds else "**no**",
        )


@dataclass(frozen=True)
class Bound:
    """One row for what has no limit to stand beside, only a bound of its own; less is better."""

    what: str
    unit: str
    product: Sequence[float]
    most: float

    def cells(self) -> tuple[str, ...]:
        holds = statistics.median(self.product) <= self.most
        most = f"< {self.most:g} {self.unit}"
        return self.what, f"{_spread(self.product)} {self.unit}", "", "", "", most, "yes" if holds else "**no**"


Row = Line | Bound
HEAD = ("what", "product", "beside", "limit", "ratio", "goal", "holds")


def in_turns(
    product: Callable[[], float], limit: Callable[[], float], rounds: int = ROUNDS
) -> tuple[list[float], list[float]]:
    """So many rounds of both, the limit first in each."""
    ours, other = [], []
    for _ in range(rounds):
        other.append(limit())
        ours.append(product())
    return ours, other


def as_row(cells: Sequence[str]) -> str:
    """A row of Markdown's tables."""
    return "| " + " | ".join(cells) + " |"


def _spread(figures: Sequence[float]) -> str:
    """The median, and from where to where."""
    middle, low, high = statistics.median(figures), min(figures), max(figures)
    return _told(middle) if low == high else f"{_told(middle)} ({_told(low)} to {_told(high)})"


def _told(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.1f}" if figure >= 10 else f"{figure:.2f}"
