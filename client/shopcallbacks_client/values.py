"""What is told: orders and their changes. Sums are in major units of the order's currency, times are aware."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Self


@dataclass(frozen=True)
class Order:
    """An order as it stands. `raw`: all that was told of it, its payments too."""

    number: str
    state: str
    amount: Decimal
    currency: str
    paid: Decimal
    given_back: Decimal
    kept: Decimal
    need: Decimal
    owed: Decimal
    test: bool
    raw: Mapping[str, Any]

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Self:
        sums = {name: Decimal(told[name]) for name in ("amount", "paid", "given_back", "kept", "need", "owed")}
        return cls(told["number"], told["state"], currency=told["currency"], test=told["test"], raw=told, **sums)


@dataclass(frozen=True)
class Event:
    """A change of an order. `position`: its place in the feed, to be passed as `after`; `from_`, `to`: the order's
    state before and then; `amount`: what moved, in `currency`. `raw`: all that was told."""

    position: str
    kind: str
    order: str
    from_: str | None
    to: str
    amount: Decimal | None
    currency: str | None
    transaction_id: str | None
    at: datetime
    raw: Mapping[str, Any]

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Self:
        return cls(
            position=told["position"],
            kind=told["kind"],
            order=told["order"],
            from_=told["from"],
            to=told["to"],
            amount=Decimal(told["amount"]) if told["amount"] is not None else None,
            currency=told["currency"],
            transaction_id=told["transaction_id"],
            at=datetime.fromisoformat(told["at"]),
            raw=told,
        )

    @property
    def place(self) -> int:
        """The position as a number: of one order's events the later has the larger one."""
        return int(self.position)
