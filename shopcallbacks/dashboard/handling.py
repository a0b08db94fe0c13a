"""Who looks at a cause of many callbacks, until it is done. It forbids nothing; what comes later makes it new."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from ..clock import utcnow
from ..extensions import Base, db
from ..shops.acts import Activity
from ..shops.users import User
from .causes import Group


class Handling(Base):
    """The latest of a cause, named by `Group.key`. `done_at` None: its user looks at it still."""

    __tablename__ = "handlings"

    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"), primary_key=True, autoincrement=False)
    cause: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    since: Mapped[datetime]
    done_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()

    def holds(self, group: Group) -> bool:
        """Whether it still tells of the cause: nothing has come for it since it was done."""
        return self.done_at is None or group.latest <= self.done_at

    @classmethod
    def take(cls, shop_id: int, group: Group, user: User, headline: str) -> None:
        """The user looks at it from now on, whoever did before."""
        cls._write(shop_id, group, user, None)
        Activity.record("take cause", user, shop_id, what=headline)

    @classmethod
    def finish(cls, shop_id: int, group: Group, user: User, headline: str) -> None:
        """Done, as far as it has come until now."""
        cls._write(shop_id, group, user, utcnow())
        Activity.record("finish cause", user, shop_id, what=headline)

    @classmethod
    def of(cls, shop_id: int) -> dict[str, Handling]:
        """By the cause's key."""
        wanted = select(cls).where(cls.shop_id == shop_id).options(joinedload(cls.user))
        return {one.cause: one for one in db.session.scalars(wanted.execution_options(populate_existing=True))}

    @classmethod
    def _write(cls, shop_id: int, group: Group, user: User, done_at: datetime | None) -> None:
        values = {"user_id": user.id, "since": utcnow(), "done_at": done_at}
        taken = insert(cls).values(shop_id=shop_id, cause=group.key, **values)
        db.session.execute(taken.on_conflict_do_update(index_elements=[cls.shop_id, cls.cause], set_=values))
