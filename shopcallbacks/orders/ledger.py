"""The ledger: every booking of money on an order, only ever added, and whose sums are every figure there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, and_, text
from sqlalchemy.orm import Mapped, mapped_column

from ..clock import utcnow
from ..domain.money import Booking, Name
from ..domain.states import Entry
from ..domain.values import Money
from ..extensions import Base, db
from ..sets import insert_rows

# A failure or reversal that found no booking: it moves nothing, and another order may book the same.
_VOID = "entry IN ('chargeback_reversal', 'refund_failure') AND of_entry IS NULL"


class LedgerRow(Base):
    """One booking, as `domain.money.Booking` tells it. `minor` and `currency`: what was told, or what moved.

    A movement that a gateway told of is unique by (account, entry, movement, nth); `of_entry`, `of_movement`, `of_nth`
    name the one that this row changes or moves elsewhere. `at`: the gateway's own time.
    """

    __tablename__ = "ledger"
    __table_args__ = (
        Index(
            "uq_ledger_movement",
            "account_id",
            "entry",
            "movement",
            "nth",
            unique=True,
            postgresql_where=text(f"movement IS NOT NULL AND NOT ({_VOID})"),
        ),
        Index("ix_ledger_shop_time", "shop_id", "booked_at", "id"),
        Index("ix_ledger_owed", "shop_id", "booked_at", postgresql_where=text("owed <> 0")),
        Index("ix_ledger_unmatched", "shop_id", "order_id", postgresql_where=text("unmatched <> 0")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("gateway_accounts.id"))
    entry: Mapped[Entry]
    transaction_id: Mapped[str | None]
    minor: Mapped[int]
    currency: Mapped[str]
    movement: Mapped[str | None]
    nth: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    of_entry: Mapped[Entry | None]
    of_movement: Mapped[str | None]
    of_nth: Mapped[int | None]
    at: Mapped[datetime | None]
    came_in: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    taken: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    given_back: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    unmatched: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    waived: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    owed: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    settled: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    callback_id: Mapped[int | None] = mapped_column(ForeignKey("callbacks.id"))
    booked_at: Mapped[datetime] = mapped_column(default=utcnow)

    @property
    def money(self) -> Money:
        return Money(self.minor, self.currency)

    @property
    def booking(self) -> Booking:
        return booking_of(self)


VOID = and_(
    LedgerRow.entry.in_((Entry.chargeback_reversal, Entry.refund_failure)),
    LedgerRow.of_entry.is_(None),
)


def booking_of(row: Any) -> Booking:
    """A row of the ledger as the rules see it."""
    of = None
    if row.of_entry is not None and row.of_movement is not None:
        of = Name(row.account_id, row.of_entry, row.of_movement, row.of_nth or 0)
    return Booking(
        row.entry,
        row.account_id,
        row.transaction_id,
        Money(row.minor, row.currency),
        row.movement,
        row.nth,
        of,
        row.at,
        row.came_in,
        row.taken,
        row.given_back,
        row.unmatched,
        row.waived,
        row.owed,
        row.settled,
    )


def booked(rows: Sequence[Mapping[str, Any]]) -> None:
    """Adds them, in this order. Who is about to book one of the same movements is waited for before the first is added:
    by their names in order, for in the index two could wait for each other, crosswise.
    """
    names = sorted(f"ledger {row['account_id']} {row['entry']} {row['movement']}" for row in rows if row["movement"])
    if len(names) > 1:
        db.session.execute(_MEET, {"names": names})
    insert_rows(db.session, LedgerRow, rows)


_MEET = text("SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest(CAST(:names AS text[])) AS name")
