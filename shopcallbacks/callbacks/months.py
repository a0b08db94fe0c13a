"""The months in whose parts requests and bodies stand: made ahead, taken away into an archive, and brought back.

A part in the archive is a table of its own, `requests_2024_03` or `bodies_2024_03`, which nothing reads: it may be
dumped, dropped, loaded again. The callbacks, and what we know of them, stay where they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection, func, select, text

from ..domain.errors import Refused
from ..extensions import db
from ..shops.acts import Activity
from ..words.formats import PLAIN

KEPT = ("requests", "bodies")
# The acts.
AWAY, BACK = "archive requests", "bring back requests"
AHEAD = 2


@dataclass(frozen=True, order=True)
class Month:
    """A month in UTC, by its first day."""

    first: date

    @classmethod
    def of(cls, moment: datetime) -> Month:
        return cls(moment.astimezone(UTC).date().replace(day=1))

    @classmethod
    def read(cls, written: str) -> Month:
        """From 2024-03; `ValueError` with a sentence where it is none."""
        if not re.fullmatch(r"20[0-9]{2}-(0[1-9]|1[0-2])", written):
            raise ValueError(f"{written!r} is no month. Write it like 2024-03.")
        return cls(date.fromisoformat(f"{written}-01"))

    @property
    def next(self) -> Month:
        return Month((self.first + timedelta(days=31)).replace(day=1))

    @property
    def archive(self) -> str:
        """What screens call it."""
        return f"the archive of {self.first:%B %Y}"

    @property
    def parts(self) -> dict[str, str]:
        """Its tables, by the one that each is a part of."""
        return {kept: f"{kept}_{self.first:%Y_%m}" for kept in KEPT}

    @property
    def is_away(self) -> bool:
        """Whether it was taken into the archive, and not brought back since."""
        moved = select(Activity.verb).where(Activity.shop_id.is_(None), Activity.what == str(self))
        last = moved.where(Activity.verb.in_((AWAY, BACK))).order_by(Activity.id.desc()).limit(1)
        return db.session.scalar(last) == AWAY

    def make(self) -> None:
        """Its parts. Left as it is where they are there, some of it stands in the default part, or that is in use."""
        db.session.execute(select(func.make_month(self.first)))

    def __str__(self) -> str:
        return f"{self.first:%Y-%m}"


def make_ahead(now: datetime) -> None:
    """The parts of this month and the next ones. What comes in a month without any goes into the default part."""
    month = Month.of(now)
    for _ in range(1 + AHEAD):
        month.make()
        month = month.next


def is_attached(connection: Connection, month: Month) -> bool:
    return all(_is_part(connection, part) for part in month.parts.values())


def _is_part(connection: Connection, part: str) -> bool:
    asked = text("SELECT relispartition FROM pg_class WHERE oid = to_regclass(:part)")
    return connection.scalar(asked, {"part": part}) is True


def parts(connection: Connection) -> Iterator[tuple[str, bool, int]]:
    """Each part that is here, its default too: its name, whether it is read, its bytes."""
    found = connection.execute(
        text(
            "SELECT relname, relispartition, pg_total_relation_size(oid) FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
            " AND relname ~ '^(requests|bodies)_([0-9]{4}_[0-9]{2}|default)$' ORDER BY relname"
        )
    )
    yield from ((name, attached, size) for name, attached, size in found)


def detach(connection: Connection, month: Month, now: datetime) -> None:
    """By the tables' owner. From here on it is in the archive; `Refused` where it is not over, or still needed."""
    if month.next.first > now.astimezone(UTC).date():
        raise Refused(f"{month} is not over yet.")
    if not is_attached(connection, month):
        raise Refused(f"{month} has no part here that could be taken away.")
    if waiting := connection.scalar(_WAITING, {"first": month.first, "behind": month.next.first}):
        raise Refused(f"Deal with what waits of {month} first: {PLAIN.counted(waiting, 'callback')}.")
    for kept, part in month.parts.items():
        connection.execute(text(f"ALTER TABLE {kept} DETACH PARTITION {part}"))


_WAITING = text(
    "SELECT count(*) FROM callbacks WHERE (state IN ('received', 'unprocessed', 'imported') OR due_at IS NOT NULL)"
    " AND received_at >= CAST(:first AS timestamptz) AND received_at < CAST(:behind AS timestamptz)"
)


_CAME_SINCE = text(
    "SELECT EXISTS (SELECT FROM requests_default"
    " WHERE received_at >= CAST(:first AS timestamptz) AND received_at < CAST(:behind AS timestamptz))"
)


def attach(connection: Connection, month: Month) -> None:
    """By the tables' owner. `Refused` where its tables are missing, or read already, or more of it was kept since."""
    if connection.scalar(_CAME_SINCE, {"first": month.first, "behind": month.next.first}):
        raise Refused(f"Some of {month} stands in requests_default, beside which it can't be brought back.")
    for kept, part in month.parts.items():
        if connection.scalar(text("SELECT to_regclass(:part) IS NULL"), {"part": part}):
            raise Refused(f"There is no table {part}. Load it from its dump first.")
        if _is_part(connection, part):
            raise Refused(f"{month} is not in the archive.")
        bounds = f"FROM ('{month.first}') TO ('{month.next.first}')"
        connection.execute(text(f"ALTER TABLE {kept} ATTACH PARTITION {part} FOR VALUES {bounds}"))
