"""Activity: every human act, kept. Who, when, what, why, and what about. Append-only in the database."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import ForeignKey, Index, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from ..clock import utcnow
from ..extensions import Base, db
from ..sets import insert_rows
from ..words.acts import ACTS
from .users import User

LOG_IN, FAILED_LOG_IN, LOG_INS_HELD, FAILED_CODE = "log in", "failed log-in", "log-ins held", "failed code"
# What somebody does, in no shop, about how they log in. Whatever else is of no shop may tell of any.
OWN_LOG_IN = (
    *(LOG_IN, FAILED_LOG_IN, LOG_INS_HELD, FAILED_CODE, "log out", "log out everywhere", "connect provider"),
    *("own password", "forgot password", "password by link", "second factor", "end second factor", "recovery codes"),
)
# About a callback without moving it: they stand in no undo's way.
BESIDE = ("note", "claim", "take over", "let go", "hand on", "evidence")


class About(Protocol):
    """A callback, of which this layer knows no more."""

    id: int
    shop_id: int
    order_id: int | None


class Activity(Base):
    """One act. `verb`: a `Verb`, or a word of `words.acts.ACTS`; `what`: what of it matters; `why`: their reason."""

    __tablename__ = "activity"
    __table_args__ = (
        Index("ix_activity_shop_time", "shop_id", "at", "id"),
        Index("ix_activity_shop_id", "shop_id", "id"),
        Index("ix_activity_user", "user_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())  # the database's own time, whatever is given
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    shop_id: Mapped[int | None] = mapped_column(ForeignKey("shops.id"))
    verb: Mapped[str]
    why: Mapped[str] = mapped_column(default="")
    what: Mapped[str] = mapped_column(default="")
    callback_id: Mapped[int | None] = mapped_column(ForeignKey("callbacks.id"), index=True)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"), index=True)

    user: Mapped[User | None] = relationship()

    @property
    def actor(self) -> str:
        """A name. Of a log-in that failed nobody knows more than what was typed."""
        if self.user is None:
            return "somebody unknown" if self.verb == FAILED_LOG_IN else "the command line"
        return self.user.name

    @classmethod
    def record(
        cls,
        verb: str,
        user: User | None,
        shop_id: int | None = None,
        callback_id: int | None = None,
        order_id: int | None = None,
        why: str = "",
        what: str = "",
    ) -> None:
        """Keeps the act. `user` None is the command line. `LookupError` for a verb that has no words."""
        _known(verb)
        db.session.add(
            cls(
                verb=verb,
                user=user,
                shop_id=shop_id,
                callback_id=callback_id,
                order_id=order_id,
                why=why,
                what=what,
            )
        )

    @classmethod
    def record_of_each(cls, verb: str, user: User, callbacks: Iterable[About], why: str, what: str) -> None:
        """The same about each of many callbacks, in one statement."""
        _known(verb)
        same = {"verb": verb, "user_id": user.id, "why": why, "what": what}
        about = ({"shop_id": one.shop_id, "callback_id": one.id, "order_id": one.order_id} for one in callbacks)
        insert_rows(db.session, cls, [same | one for one in about])

    @classmethod
    def record_once(cls, within: timedelta, verb: str, user: User | None, what: str, same: str = "") -> None:
        """Keeps the act, of no shop, unless one of that verb and user whose `what` ends with `same` was kept within
        that time: who makes it many times a second fills no table.
        """
        key = f"{verb} {user.id if user else ''} {same}"
        db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))
        kept = select(cls.id).where(
            cls.shop_id.is_(None),
            cls.at > utcnow() - within,
            cls.verb == verb,
            cls.user_id == (user.id if user else None),
            cls.what.endswith(same, autoescape=True),
        )
        if not db.session.scalar(select(kept.exists())):
            cls.record(verb, user, what=what)

    @classmethod
    def about(cls, callback_id: int) -> list[Activity]:
        """All about the callback, the oldest first."""
        wanted = select(cls).where(cls.callback_id == callback_id).order_by(cls.id)
        return list(db.session.scalars(wanted.options(joinedload(cls.user))))

    @classmethod
    def last_about(cls, callback_id: int, *verbs: str, before: Activity | None = None) -> Activity | None:
        """The latest act that moved the callback; only of these verbs, and before that act, where they are given."""
        moved = cls.verb.in_(verbs) if verbs else cls.verb.not_in(BESIDE)
        wanted = select(cls).where(cls.callback_id == callback_id, moved)
        if before is not None:
            wanted = wanted.where(cls.id < before.id)
        return db.session.scalar(wanted.order_by(cls.id.desc()).limit(1))

    @classmethod
    def last_of(cls, callback_ids: Iterable[int]) -> dict[int, Activity]:
        """The latest act that moved each callback, where there is one, by callback id."""
        ids = list(callback_ids)
        if not ids:
            return {}
        rows = db.session.scalars(
            select(cls)
            .where(cls.callback_id.in_(ids), cls.verb.not_in(BESIDE))
            .ext(distinct_on(cls.callback_id))
            .order_by(cls.callback_id, cls.id.desc())
            .options(joinedload(cls.user))
        )
        return {act.callback_id: act for act in rows if act.callback_id is not None}

    @classmethod
    def latest(cls, user_id: int, *verbs: str) -> Activity | None:
        """What the user did last of these."""
        wanted = select(cls).where(cls.user_id == user_id, cls.verb.in_(verbs))
        return db.session.scalar(wanted.order_by(cls.id.desc()).limit(1))

    @classmethod
    def of_user(cls, user_id: int, shop_id: int, limit: int) -> list[Activity]:
        """The user's latest acts in the shop, newest first."""
        wanted = select(cls).where(cls.user_id == user_id, cls.shop_id == shop_id)
        return list(db.session.scalars(wanted.order_by(cls.id.desc()).limit(limit)))


def _known(verb: str) -> None:
    if verb not in ACTS:
        raise LookupError(f"{verb!r} is not among the acts of words/acts.py")


def last_move(acts: Iterable[Activity]) -> Activity | None:
    """The latest of them that moved the callback they are about."""
    return max((act for act in acts if act.verb not in BESIDE), key=lambda act: act.id, default=None)
