"""An order's payments as people read them: each try, what came of its money, and the bookings that say so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from ..domain import money
from ..domain.money import Dispute, Figures
from ..domain.values import Money
from ..extensions import db
from ..shops.accounts import GatewayAccount
from .ledger import LedgerRow
from .order import Order


@dataclass(frozen=True)
class PaymentSummary:
    """One payment of an order. `rows`: its bookings, in the order in which they were made.

    Figures are in the order's currency, but for those of money as it came (`came_in`, `owed`, `settled`).
    """

    account: GatewayAccount
    payment: money.Payment
    figures: Figures
    rows: tuple[LedgerRow, ...]
    currency: str

    @property
    def came_in(self) -> tuple[Money, ...]:
        return _each(self.figures.came_in)

    @property
    def owed(self) -> tuple[Money, ...]:
        return _each(self.figures.owed)

    @property
    def settled(self) -> tuple[Money, ...]:
        """What was owed and a person said was given back."""
        return _each(self.figures.settled)

    @property
    def taken(self) -> Money:
        return self._sum(self.figures.taken)

    @property
    def given_back(self) -> Money:
        return self._sum(self.figures.given_back)

    @property
    def kept(self) -> Money:
        return self._sum(self.figures.kept)

    @property
    def lost(self) -> Money:
        return self._sum(self.figures.lost)

    @property
    def waived(self) -> Money:
        return self._sum(self.figures.waived)

    @property
    def unmatched(self) -> Money:
        """What was given back of a payment that nobody has told of."""
        return self._sum(self.figures.unmatched)

    @property
    def disputed(self) -> bool:
        return self.payment.dispute is Dispute.open

    @property
    def answer_by(self) -> datetime | date | None:
        """Until when an open dispute is to be answered, where the gateway has said; a date where it named a day."""
        return self.payment.answer_by if self.disputed else None

    def _sum(self, minor: int) -> Money:
        return Money(minor, self.currency)


def of(order: Order) -> list[PaymentSummary]:
    """One for each payment, the first told first."""
    facts, ledger = order.facts, order.ledger
    accounts = {account.id: account for account in _accounts({payment.account for payment in facts.payments})}
    return [
        PaymentSummary(
            accounts[payment.account],
            payment,
            facts.figures(payment),
            tuple(row for row in ledger if payment.known_as(row.account_id, row.transaction_id)),
            order.currency,
        )
        for payment in facts.payments
    ]


def _accounts(ids: set[int]) -> list[GatewayAccount]:
    return list(db.session.scalars(select(GatewayAccount).where(GatewayAccount.id.in_(ids)))) if ids else []


def _each(sums: Mapping[str, int]) -> tuple[Money, ...]:
    return tuple(Money(minor, currency) for currency, minor in sorted(sums.items()))
