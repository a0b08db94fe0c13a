"""What can leave of a payment in one currency, and from where: owed, settled, or of what the order took."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..states import Entry
from ..values import Money
from .decision import Telling
from .holding import holding
from .ledger import Booking, Figures
from .order import OrderFacts


@dataclass(frozen=True)
class Exchange:
    """One payment of an order, seen in one currency. All its sums are in minor units of it."""

    order: OrderFacts
    figures: Figures
    currency: str

    @classmethod
    def of(cls, telling: Telling, currency: str) -> Exchange:
        return cls(telling.order, telling.figures, currency)

    @property
    def native(self) -> bool:
        return self.currency == self.order.total.currency

    @property
    def possible(self) -> bool:
        """The order's own currency, or one in which money of this payment is owed or was accepted."""
        return self.native or bool(self.owed or self.settled or self.accepted)

    @property
    def owed(self) -> int:
        return self.figures.owed[self.currency]

    @property
    def settled(self) -> int:
        return self.figures.settled[self.currency]

    @property
    def accepted(self) -> int:
        """What came in of it in another currency than the order's and was taken as the order's."""
        payments = self.figures.of(Entry.payment)
        return sum(row.came_in for row in payments if row.taken and row.money.currency == self.currency)

    @property
    def taken(self) -> int:
        """In the order's currency: as what that which was accepted counts."""
        payments = self.figures.of(Entry.payment)
        return sum(row.taken for row in payments if row.money.currency == self.currency)

    @property
    def kept(self) -> int:
        if self.native:
            return self.figures.kept
        return max(self.accepted - self.left_of_accepted, 0) if self.figures.kept else 0

    @property
    def left_of_accepted(self) -> int:
        """What has left of it, less what came back."""
        rows = [row for row in self.figures.rows if row.money.currency == self.currency]
        left = sum(row.money.minor + row.owed + row.settled for row in rows if row.given_back > 0)
        return left - sum(row.money.minor for row in rows if row.given_back < 0)

    @property
    def chargeable(self) -> int:
        """All that ever came in by it, less what was charged back."""
        return self.came_in - self.left_by(Entry.chargeback)

    @property
    def came_in(self) -> int:
        """In the order's currency with what was accepted in another one, as it counts."""
        foreign = (row for row in self.figures.of(Entry.payment) if row.money.currency != self.currency)
        return self.figures.came_in[self.currency] + (sum(row.taken for row in foreign) if self.native else 0)

    def left_by(self, entry: Entry) -> int:
        """What refunds, or chargebacks, of it hold."""
        rows = (row for row in self.figures.of(entry) if row.money.currency == self.currency)
        return sum(holding(self.order, row).minor for row in rows)

    def limit(self, entry: Entry) -> int | float:
        """How much can leave by that entry without a person's word."""
        if not self.figures.booked:
            room = max(self.order.total.minor - self.figures.unmatched, 0)
            return room if entry is Entry.refund else float("inf")
        if entry is Entry.refund:
            return self.owed + self.settled + self.kept
        return self.chargeable if self.native or self.accepted else min(self.chargeable, self.owed)

    def outflow(self, row: Booking) -> Booking:
        """The refund or chargeback, saying from where its money leaves."""
        minor = row.money.minor
        if not self.figures.booked:
            return replace(row, unmatched=minor)
        owed = min(minor, self.owed)
        settled = min(minor - owed, self.settled) if row.entry is Entry.refund else 0
        given_back = self.in_the_orders(minor - owed - settled)
        return replace(row, owed=-owed, settled=-settled, given_back=given_back)

    def in_the_orders(self, minor: int) -> int:
        """So much of what the order took, in its own currency: in proportion, and with the last of it all the rest."""
        if self.native:
            return minor
        if not self.accepted:
            return 0  # nothing of it counts in the order's currency
        if minor < self.kept:
            return self.figures.kept * minor // self.kept
        return self.figures.kept + self.taken * (minor - self.kept) // self.accepted


def origin(order: OrderFacts, figures: Figures) -> Money:
    """What the order keeps of the payment, in the currency in which it came."""
    currencies = {row.money.currency for row in figures.of(Entry.payment) if row.taken}
    currency = currencies.pop() if len(currencies) == 1 else order.total.currency
    return Money(Exchange(order, figures, currency).kept, currency)
