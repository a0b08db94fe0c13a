"""What a step changed, for a shell that keeps orders in rows."""

from __future__ import annotations

from dataclasses import dataclass

from .ledger import Booking
from .order import OrderFacts
from .payment import Payment


@dataclass(frozen=True)
class Difference:
    """`gone`: payments to delete (changed, or joined with another); `new`: those that stand in their place, and new
    ones. `rows`: to add to the ledger, in this order; none is ever changed or deleted.
    """

    gone: tuple[Payment, ...]
    new: tuple[Payment, ...]
    rows: tuple[Booking, ...]


def difference(before: OrderFacts, after: OrderFacts) -> Difference:
    """Of an order before and after one step, or several; its own fields are compared by the shell."""
    return Difference(
        gone=tuple(payment for payment in before.payments if payment not in after.payments),
        new=tuple(payment for payment in after.payments if payment not in before.payments),
        rows=after.ledger[len(before.ledger) :],
    )
