"""The ledger: rows that are only ever added, and whose sums are every figure there is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from ..states import Entry
from ..values import Money

# Those that undo a refund or a chargeback.
RETURNS = (Entry.refund_failure, Entry.chargeback_reversal)


class Name(NamedTuple):
    """What a movement is called: unique. `nth`: 0, and more where the rules book one name again (sums so far, a
    payment that was taken out and came after all)."""

    account: int
    entry: Entry
    movement: str
    nth: int = 0


@dataclass(frozen=True)
class Booking:
    """A row of the ledger: by how much it changed each figure of one payment.

    `transaction`: the payment, by the id under which this was told.
    `money`: what the message told, or what moved; never below zero.
    `movement`: None where no gateway told of it. `of`: the movement that this row changes or moves elsewhere.
    `at`: the gateway's own time (aware).

    In minor units of the order's currency: `taken`, `given_back`, `unmatched`, `waived`.
    In minor units of `money.currency`: `came_in`, `owed`, `settled`.
    """

    entry: Entry
    account: int
    transaction: str | None
    money: Money
    movement: str | None = None
    nth: int = 0
    of: Name | None = None
    at: datetime | None = None
    came_in: int = 0
    taken: int = 0
    given_back: int = 0
    unmatched: int = 0
    waived: int = 0
    owed: int = 0
    settled: int = 0

    @property
    def name(self) -> Name | None:
        return Name(self.account, self.entry, self.movement, self.nth) if self.movement is not None else None

    @property
    def void(self) -> bool:
        """A failure or reversal that found no booking: it moves nothing."""
        return self.entry in RETURNS and self.of is None


@dataclass(frozen=True)
class Figures:
    """The sums of some rows. Those by currency are in minor units of it, the others of the order's currency."""

    rows: tuple[Booking, ...]

    @cached_property
    def taken(self) -> int:
        return sum(row.taken for row in self.rows)

    @cached_property
    def given_back(self) -> int:
        return sum(row.given_back for row in self.rows)

    @cached_property
    def unmatched(self) -> int:
        return sum(row.unmatched for row in self.rows)

    @cached_property
    def waived(self) -> int:
        return sum(row.waived for row in self.rows)

    @cached_property
    def owed(self) -> Mapping[str, int]:
        return _by_currency((row.money.currency, row.owed) for row in self.rows)

    @cached_property
    def settled(self) -> Mapping[str, int]:
        return _by_currency((row.money.currency, row.settled) for row in self.rows)

    @cached_property
    def came_in(self) -> Mapping[str, int]:
        return _by_currency((row.money.currency, row.came_in) for row in self.rows)

    @property
    def kept(self) -> int:
        """Of one payment: what the order still has of it."""
        return max(self.taken - self.given_back, 0)

    @property
    def lost(self) -> int:
        """Of one payment: what left beyond all that the order took of it."""
        return max(self.given_back - self.taken, 0)

    @property
    def held(self) -> bool:
        """Of one payment: whether any money of it is kept or owed."""
        return bool(self.kept or self.owed)

    @property
    def left(self) -> bool:
        """Of one payment: whether a refund of it can be told, what a person settled counted in."""
        return self.held or bool(self.settled)

    @property
    def booked(self) -> bool:
        """Of one payment: whether the payment itself was ever booked."""
        return any(row.entry is Entry.payment for row in self.rows)

    def of(self, *entries: Entry) -> tuple[Booking, ...]:
        return tuple(row for row in self.rows if row.entry in entries)


def _by_currency(sums: Iterable[tuple[str, int]]) -> Mapping[str, int]:
    """Added up; a currency of which nothing is left is not there, and another's figure is 0."""
    total: Counter[str] = Counter()
    for currency, minor in sums:
        total[currency] += minor
    return Counter({currency: minor for currency, minor in total.items() if minor})
