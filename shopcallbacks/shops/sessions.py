"""Sessions: who is logged in where, and until when. The cookie holds a token, the database only its digest."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from flask import current_app
from sqlalchemy import ColumnElement, ForeignKey, Index, and_, func, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from ..clock import utcnow
from ..extensions import Base, db

SEEN_EVERY = timedelta(minutes=1)


class End(StrEnum):
    """Why a session ended before its time."""

    log_out = "log-out"
    everywhere = "log-out everywhere"
    password = "password changed"
    switched_off = "switched off"
    rights = "role or shops changed"
    by_admin = "ended by an admin"


class UserSession(Base):
    """One browser that is logged in. It is over when it ended, was idle for too long, or is too old."""

    __tablename__ = "sessions"
    __table_args__ = (
        Index("ix_sessions_not_ended", "user_id", postgresql_where=text("ended_at IS NULL")),
        Index("ix_sessions_seen", "user_id", "seen_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    made_at: Mapped[datetime] = mapped_column(default=utcnow)
    seen_at: Mapped[datetime] = mapped_column(default=utcnow)
    address: Mapped[str] = mapped_column(default="")
    agent: Mapped[str] = mapped_column(default="")
    ended_at: Mapped[datetime | None]
    ended_why: Mapped[str] = mapped_column(default="")

    @classmethod
    def begin(cls, user_id: int, address: str, agent: str) -> str:
        """A new session's token, for the cookie. `agent`: the browser in a few words."""
        token = secrets.token_urlsafe(32)
        db.session.add(cls(digest=_digest(token), user_id=user_id, address=address, agent=agent))
        return token

    @classmethod
    def bears(cls, token: str) -> ColumnElement[bool]:
        """It is the session of that token, and not over."""
        return and_(cls.digest == _digest(token), cls.alive())

    @classmethod
    def alive(cls) -> ColumnElement[bool]:
        now, config = utcnow(), current_app.config
        return and_(
            cls.ended_at.is_(None),
            cls.seen_at > now - config["SESSION_IDLE"],
            cls.made_at > now - config["SESSION_LONGEST"],
        )

    @classmethod
    def of(cls, user_id: int) -> list[UserSession]:
        """Those that are not over, the last seen first."""
        wanted = select(cls).where(cls.user_id == user_id, cls.alive())
        return list(db.session.scalars(wanted.order_by(cls.seen_at.desc(), cls.id.desc())))

    @classmethod
    def last_seen(cls, user_ids: Iterable[int]) -> dict[int, datetime]:
        """When each did something last, by user id; nothing of who never logged in."""
        wanted = select(cls.user_id, func.max(cls.seen_at)).where(cls.user_id.in_(list(user_ids))).group_by(cls.user_id)
        return dict(db.session.execute(wanted).all())

    @classmethod
    def end_all(cls, user_id: int, why: End) -> None:
        ended = update(cls).where(cls.user_id == user_id, cls.ended_at.is_(None))
        db.session.execute(ended.values(ended_at=utcnow(), ended_why=why))

    def end(self, why: End) -> None:
        self.ended_at, self.ended_why = utcnow(), why

    def seen(self) -> bool:
        """The user did something just now. Written at most once a minute; whether it was."""
        now = utcnow()
        if now - self.seen_at < SEEN_EVERY:
            return False
        self.seen_at = now
        return True


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
