"""Claims: who is on a callback, so that two managers don't do the same. It ends by itself, or lasts where it
was handed on. It forbids nothing.
A claim stands beside the callback, not on it: it never changes the callback's version, so it makes nobody's page stale.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, ForeignKey, Index, Select, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from ..clock import utcnow
from ..domain.errors import Refused
from ..domain.states import State
from ..extensions import Base, db
from ..shops.acts import Activity
from ..shops.users import User
from ..words.formats import age
from .callback import Callback

# After the claim, or after what its manager did about the callback last.
LASTS = timedelta(minutes=15)
# What was handed on is theirs until they let go or it is done with; forgotten, for so long.
HANDED_ON = timedelta(days=90)
OPEN = (State.received, State.unprocessed)  # in any other state nobody needs to be on it


class Claim(Base):
    """The latest claim on a callback: there is one row at most, which the database holds. Live until `until`."""

    __tablename__ = "claims"
    __table_args__ = (Index("ix_claims_user", "user_id", "until"),)

    callback_id: Mapped[int] = mapped_column(ForeignKey("callbacks.id"), primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    since: Mapped[datetime]
    until: Mapped[datetime]

    user: Mapped[User] = relationship()

    def told(self, viewer: User | None, now: datetime) -> str:
        """ "Dana is on it, 4 min"."""
        own = viewer is not None and viewer.id == self.user_id
        if self.lasts:
            return f"{'You have' if own else f'{self.user.name} has'} it, {age(self.since, now)}"
        return f"{'You are' if own else f'{self.user.name} is'} on it, {age(self.since, now)}"

    @property
    def lasts(self) -> bool:
        """It does not end by itself soon."""
        return self.until - self.since > HANDED_ON / 2

    @classmethod
    def take(cls, callback: Callback, user: User, over: int | None = None) -> None:
        """The user is on it from now. `over`: the id of who was, as the user saw it.

        `Refused` where somebody else is: of two at once one wins, and the other is told who.
        """
        if callback.state not in OPEN:
            raise Refused(f"This callback is {callback.last_move}; nobody needs to be on it.")
        before = cls.of([callback.id]).get(callback.id)
        if before is not None and before.user_id == user.id:
            cls.renew(callback, user)
            return
        now = utcnow()
        values = {"user_id": user.id, "since": now, "until": now + LASTS}
        taken = db.session.scalar(
            insert(cls)
            .values(callback_id=callback.id, **values)
            .on_conflict_do_update(
                index_elements=[cls.callback_id], set_=values, where=or_(cls.until <= now, cls.user_id == over)
            )
            .returning(cls.callback_id)
        )
        if taken is None:
            holder = cls.of([callback.id])[callback.id].user
            raise Refused(f"{holder.name} is on it.")
        if before is None:
            cls._record("claim", callback, user)
        else:
            cls._record("take over", callback, user, f"from {before.user.name}")

    @classmethod
    def hand_on(cls, callback: Callback, user: User, to: User) -> None:
        """To that user, whoever was on it, until they let go. `Refused` where nobody needs to be."""
        if callback.state not in OPEN:
            raise Refused(f"This callback is {callback.last_move}; nobody needs to be on it.")
        now = utcnow()
        values = {"user_id": to.id, "since": now, "until": now + HANDED_ON}
        handed = insert(cls).values(callback_id=callback.id, **values)
        db.session.execute(handed.on_conflict_do_update(index_elements=[cls.callback_id], set_=values))
        cls._record("hand on", callback, user, f"to {to.name}")

    @classmethod
    def let_go(cls, callback: Callback, user: User) -> None:
        """The user is not on it any more. Nothing happens where they were not."""
        if cls._set_until(callback, user, utcnow()):
            cls._record("let go", callback, user)

    @classmethod
    def renew(cls, callback: Callback, user: User) -> None:
        """The user did something about it: where they are on it, they stay so."""
        cls._set_until(callback, user, func.greatest(cls.until, utcnow() + LASTS))

    @classmethod
    def live_ids(cls, user_id: int | None) -> Select[int]:
        """Callbacks that the user is on; of None, that anybody is."""
        wanted = select(cls.callback_id).where(cls.until > utcnow())
        return wanted.where(cls.user_id == user_id) if user_id is not None else wanted

    @classmethod
    def of(cls, callback_ids: Iterable[int]) -> dict[int, Claim]:
        """The live ones, by callback id."""
        claims = db.session.scalars(
            select(cls)
            .join(Callback, Callback.id == cls.callback_id)
            .where(cls.callback_id.in_(list(callback_ids)), cls.until > utcnow(), Callback.state.in_(OPEN))
            .options(joinedload(cls.user))
            .execution_options(populate_existing=True)
        )
        return {claim.callback_id: claim for claim in claims}

    @classmethod
    def _set_until(cls, callback: Callback, user: User, until: datetime | ColumnElement[datetime]) -> bool:
        live = (cls.callback_id == callback.id, cls.user_id == user.id, cls.until > utcnow())
        changed = update(cls).where(*live).values(until=until).returning(cls.callback_id)
        return db.session.scalar(changed, execution_options={"synchronize_session": False}) is not None

    @staticmethod
    def _record(verb: str, callback: Callback, user: User, what: str = "") -> None:
        Activity.record(verb, user, callback.shop_id, callback.id, callback.order_id, what=what)
