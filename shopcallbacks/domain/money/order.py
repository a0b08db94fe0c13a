"""An order as far as its money goes: its payments, its ledger, and what follows from their sums."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from ..states import WAITING, CancelledBy, Entry, OrderState
from ..values import Money
from .ledger import Booking, Figures, Name
from .payment import Payment


@dataclass(frozen=True)
class OrderFacts:
    """All that the rules need to know of one order. Never changed: each step makes a new one.

    `account`: the only gateway account that may move it, where the shop named one.
    `expires_at`: when it is given up if nothing is kept and no try is alive (aware).
    `held_since`: our time of the first refusal since it was handed in, replaced or last had a try alive (aware).
    `ledger`: in the order in which it was booked.
    """

    number: str
    total: Money
    state: OrderState = OrderState.temporary
    cancelled_by: CancelledBy | None = None
    test: bool = False
    account: int | None = None
    email: str | None = None
    expires_at: datetime | None = None
    held_since: datetime | None = None
    payments: tuple[Payment, ...] = ()
    ledger: tuple[Booking, ...] = ()

    # What follows from the sums, in minor units of the order's currency

    @cached_property
    def _figures(self) -> Figures:
        return Figures(self.ledger)

    @cached_property
    def _each(self) -> Mapping[Payment, Figures]:
        return {payment: self._of(payment) for payment in self.payments}

    def _of(self, payment: Payment) -> Figures:
        return Figures(tuple(row for row in self.ledger if payment.known_as(row.account, row.transaction)))

    def figures(self, payment: Payment) -> Figures:
        return self._each.get(payment) or self._of(payment)

    @property
    def taken(self) -> int:
        return self._figures.taken

    @property
    def given_back(self) -> int:
        return self._figures.given_back

    @property
    def unmatched(self) -> int:
        return self._figures.unmatched

    @property
    def owed(self) -> Mapping[str, int]:
        """By currency, in its minor units."""
        return self._figures.owed

    @cached_property
    def kept(self) -> int:
        return sum(figures.kept for figures in self._each.values())

    @cached_property
    def lost(self) -> int:
        return sum(figures.lost for figures in self._each.values())

    @cached_property
    def waived(self) -> int:
        """What people let go; it counts while something of the payment to which it belongs is kept."""
        return sum(figures.waived for figures in self._each.values() if figures.kept)

    @property
    def need(self) -> int:
        """What the order still wants; below zero where it keeps more than its total."""
        return self.total.minor - self.kept - self.waived

    @property
    def waiting(self) -> bool:
        return self.state in WAITING

    # Its payments

    def payment(self, account: int, transaction: str | None) -> Payment | None:
        return next((payment for payment in self.payments if payment.known_as(account, transaction)), None)

    def payments_with_money(self, account: int) -> tuple[Payment, ...]:
        """Those of the account of which a refund can be told."""
        return tuple(one for one in self.payments if one.account == account and self.figures(one).left)

    def lives(self) -> bool:
        """Whether a try is alive."""
        return any(payment.alive for payment in self.payments)

    def with_payment(self, payment: Payment) -> OrderFacts:
        """With the payment as it is now, in the place of all that share an id with it."""
        others = [one for one in self.payments if not _same(one, payment)]
        place = next((i for i, one in enumerate(self.payments) if _same(one, payment)), len(self.payments))
        return replace(self, payments=(*others[:place], payment, *others[place:]))

    # Its ledger

    def booked(self, *rows: Booking) -> OrderFacts:
        return replace(self, ledger=(*self.ledger, *rows))

    def bookings_of(self, account: int, entry: Entry, movement: str) -> tuple[Booking, ...]:
        """Those of that name."""
        rows = (row for row in self.ledger if row.movement == movement)
        return tuple(row for row in rows if row.entry is entry and row.account == account)

    def changes_of(self, booking: Booking) -> tuple[Booking, ...]:
        """The row itself, and all that changed what it holds."""
        name: Name | None = booking.name
        return tuple(row for row in self.ledger if row is booking or (name is not None and row.of == name))

    def now(self, state: OrderState, cancelled_by: CancelledBy | None = None) -> OrderFacts:
        """In that state; a cancellation that was held back is over where the order does not wait."""
        held = self.held_since if state in WAITING else None
        return replace(self, state=state, cancelled_by=cancelled_by, held_since=held)

    def but(self, **changes: Any) -> OrderFacts:
        return replace(self, **changes)


def _same(one: Payment, two: Payment) -> bool:
    return one.account == two.account and not set(one.transactions).isdisjoint(two.transactions)
