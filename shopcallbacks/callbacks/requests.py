"""What came, as it came: two tables that are only ever inserted into, each in parts by month (`months.py`).

A callback's row says what we know of it, and changes; its request stands here and never does. A body that an account is
sent again on the same day is kept once, however often it comes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime

from sqlalchemy import ColumnElement, Date, and_, cast, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ..domain.values import Request
from ..extensions import Base, db
from ..sets import insert_rows


class KeptRequest(Base):
    """One for each callback, named by number only: a foreign key would lock the callback's row once more."""

    __tablename__ = "requests"
    __table_args__ = {"postgresql_partition_by": "RANGE (received_at)"}

    callback_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    received_at: Mapped[datetime] = mapped_column(primary_key=True)
    method: Mapped[str]
    path: Mapped[str]
    headers: Mapped[list[list[str]]]
    address: Mapped[str]

    @classmethod
    def of(cls, callbacks: type[Base]) -> ColumnElement[bool]:
        """For a join with callbacks."""
        c = callbacks.__table__.c
        return and_(cls.callback_id == c.id, cls.received_at == c.received_at)


class KeptBody(Base):
    """What one request or many of an account said that day (UTC): body, and query behind the address.

    By day, for its key is a hash: so only the day's part of the index is written to, not all of the month's.
    """

    __tablename__ = "bodies"
    __table_args__ = {"postgresql_partition_by": "RANGE (day)"}

    day: Mapped[date] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[bytes] = mapped_column(primary_key=True)
    query: Mapped[bytes]
    body: Mapped[bytes]

    @classmethod
    def of(cls, callbacks: type[Base]) -> ColumnElement[bool]:
        """For a join with callbacks."""
        c = callbacks.__table__.c
        day = cast(func.timezone("UTC", c.received_at), Date)
        return and_(cls.day == day, cls.account_id == c.account_id, cls.digest == c.digest)


# Until revision 0022 the request stood in the callback's own row: what came before stays there, where it never changes.
# From when to when is said, so that the months between are all that is looked into.
_READ = text(
    """
SELECT c.id, coalesce(r.method, c.method) AS method, coalesce(r.path, c.path) AS path,
       coalesce(b.query, c.query) AS query, coalesce(r.headers, c.headers) AS headers,
       coalesce(b.body, c.body) AS body, coalesce(r.address, c.address) AS address, c.received_at
FROM callbacks c
LEFT JOIN requests r ON r.callback_id = c.id AND r.received_at = c.received_at
    AND r.received_at BETWEEN :first AND :last
LEFT JOIN bodies b ON b.day = (c.received_at AT TIME ZONE 'UTC')::date AND b.account_id = c.account_id
    AND b.digest = c.digest AND b.day BETWEEN (:first AT TIME ZONE 'UTC')::date AND (:last AT TIME ZONE 'UTC')::date
WHERE c.id = ANY(:ids)
""".replace("::date", "\\:\\:date")
).columns(headers=JSONB)


def requests_of(arrivals: Collection[tuple[int, datetime]]) -> dict[int, Request]:
    """By the callback's id. `arrivals`: the callbacks' ids, and when they came.

    Those of which a part is in an archive just now are not there.
    """
    if not arrivals:
        return {}
    times = [received_at for _, received_at in arrivals]
    values = {"ids": [id_ for id_, _ in arrivals], "first": min(times), "last": max(times)}
    return {
        row.id: Request(
            row.method,
            row.path,
            row.query,
            tuple((name, value) for name, value in row.headers),
            row.body,
            row.address,
            row.received_at,
        )
        for row in db.session.execute(_READ, values)
        if row.headers is not None and row.body is not None
    }


def digest_of(request: Request) -> bytes:
    """What makes two requests the same: query and body, byte for byte."""
    return hashlib.sha256(len(request.query).to_bytes(8) + request.query + request.body).digest()


def keep_requests(new: Sequence[tuple[int, int, Request]]) -> None:
    """What came, of callbacks that are new: the callback's id, its account's, and the request. (What comes by HTTP is
    kept in one statement with its callback: `receiving/keeping.py`.)
    """
    requests = [
        {
            "callback_id": callback_id,
            "received_at": request.arrived_at,
            "method": request.method,
            "path": request.path,
            "headers": request.headers,
            "address": request.address,
        }
        for callback_id, _, request in new
    ]
    bodies = [
        {
            "day": request.arrived_at.astimezone(UTC).date(),
            "account_id": account_id,
            "digest": digest_of(request),
            "query": request.query,
            "body": request.body,
        }
        for _, account_id, request in new
    ]
    insert_rows(db.session, KeptRequest, requests)
    insert_rows(db.session, KeptBody, bodies, else_="DO NOTHING")
