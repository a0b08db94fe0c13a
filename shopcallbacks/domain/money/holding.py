"""What a refund or chargeback still holds, after what has come back of it and where it has been moved since."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..values import Money
from .ledger import RETURNS, Booking
from .order import OrderFacts


@dataclass(frozen=True)
class Holding:
    """In minor units of the booking's own currency: `minor`, all of it; `not_owed`, what did not come out of what was
    owed or settled. In minor units of the order's: `unmatched`, `given_back`.
    """

    booking: Booking
    minor: int
    not_owed: int
    unmatched: int
    given_back: int

    def worth(self, minor: int) -> int:
        """So much of what it holds of the taken, in the order's currency."""
        own = self.not_owed - self.unmatched
        return self.given_back if minor >= own else self.given_back * minor // own


def holding(order: OrderFacts, booking: Booking) -> Holding:
    rows = order.changes_of(booking)
    came_back = sum(row.money.minor for row in rows if row.entry in RETURNS)
    of_owed = -sum(row.owed + row.settled for row in rows if row.entry not in RETURNS)
    return Holding(
        booking,
        minor=booking.money.minor - came_back,
        not_owed=max(booking.money.minor - of_owed - came_back, 0),
        unmatched=sum(row.unmatched for row in rows),
        given_back=sum(row.given_back for row in rows),
    )


def meant(order: OrderFacts, bookings: Iterable[Booking], movement: str | None, money: Money | None) -> Holding | None:
    """The booking of which a failure or reversal tells: by its movement; where none has it, the latest of exactly that
    sum, else the latest that holds it. None where there is none, or nothing of it is left.
    """
    held = [holding(order, booking) for booking in reversed(tuple(bookings))]
    named = [one for one in held if one.booking.movement == movement]
    if named:
        return next((one for one in named if one.minor), None)
    held = [one for one in held if one.minor and (money is None or one.booking.money.currency == money.currency)]
    exactly = (one for one in held if money and money.minor in (one.booking.money.minor, one.minor))
    enough = (one for one in held if money is None or one.minor >= money.minor)
    return next(exactly, None) or next(enough, None)
