"""Sending, for whatever goes out and must arrive: tried again with back-off until it does, or time is up."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Mapped, aliased, mapped_column

from ..clock import utcnow
from ..extensions import db, locked

BACK_OFF = tuple(timedelta(seconds=s) for s in (5, 30, 120, 600, 1800, 3600, 7200, 14400, 21600))


def wait_after(tries: int) -> timedelta:
    """How long until the next try: ever longer, never quite the same."""
    return BACK_OFF[min(tries, len(BACK_OFF)) - 1] * random.uniform(0.9, 1.2)


class Sending:
    """The columns and verbs of a row that is sent. `next_try_at` None: nothing more is to come by itself."""

    KEEP_TRYING: ClassVar[timedelta] = timedelta(days=3)

    id: Mapped[int] = mapped_column(primary_key=True)
    made_at: Mapped[datetime] = mapped_column(default=utcnow)
    begun_at: Mapped[datetime] = mapped_column("asked_at", default=utcnow)  # from here on it is tried
    tries: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None] = mapped_column(default=utcnow)
    leased_until: Mapped[datetime | None]
    tried_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    given_up_at: Mapped[datetime | None]
    answer: Mapped[str] = mapped_column(default="")  # the last one, as half a sentence

    @property
    def open(self) -> bool:
        """One more try is to come."""
        return self.next_try_at is not None

    def arrived(self, answer: str, now: datetime) -> None:
        self.tries += 1
        self.tried_at = self.delivered_at = now
        self.next_try_at = self.leased_until = self.given_up_at = None
        self.answer = answer

    def failed(self, answer: str, now: datetime) -> None:
        """It is tried again, or given up where it has been tried long enough."""
        self.tries += 1
        self.tried_at, self.answer, self.leased_until = now, answer, None
        following = now + wait_after(self.tries)
        if following > self.begun_at + self.KEEP_TRYING:
            self.give_up(answer, now)
        else:
            self.next_try_at = following

    def give_up(self, answer: str, now: datetime) -> None:
        """It is tried no more."""
        self.given_up_at, self.next_try_at, self.answer = now, None, answer

    def send_again(self, now: datetime) -> None:
        """Once more from the start, whether it arrived or not."""
        self.begun_at = self.next_try_at = now
        self.tries = 0
        self.leased_until = self.given_up_at = None

    @classmethod
    def due(cls, now: datetime) -> ColumnElement[bool]:
        """To be sent now, and nobody is at it."""
        return (cls.next_try_at <= now) & or_(cls.leased_until.is_(None), cls.leased_until < now)

    @classmethod
    def its_turn(cls, now: datetime, *alike: Any, by: Any) -> ColumnElement[bool]:
        """Due, and none before it (`by`) with the same in these columns is still to come."""
        earlier = aliased(cls)
        same = (getattr(earlier, one.key) == one for one in alike)
        before = select(earlier.id).where(*same, earlier.next_try_at.is_not(None), getattr(earlier, by.key) < by)
        return cls.due(now) & ~before.exists()

    @classmethod
    def any_due(cls) -> bool:
        return db.session.scalar(select(select(cls.id).where(cls.due(utcnow())).exists())) is True

    @classmethod
    def keep_lease(cls, ids: Iterable[int], seconds: float) -> None:
        """Ours for that long."""
        db.session.execute(
            update(cls)
            .where(cls.id.in_(list(ids)), cls.next_try_at.is_not(None))
            .values(leased_until=utcnow() + timedelta(seconds=seconds)),
            execution_options={"synchronize_session": False},
        )

    @classmethod
    def lock(cls, id_: int) -> Self:
        return locked(cls, id_)
