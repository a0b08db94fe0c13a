"""Saved views: a filter of the panel under a name, each user's own in each shop; shared, all of the shop see it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, false, func, or_, select
from sqlalchemy.orm import Mapped, mapped_column

from ..clock import utcnow
from ..extensions import Base, db
from ..shops.accounts import Shop
from ..shops.users import User
from ..words.masking import mask
from .filter import Filter

MOST = 20
LONGEST_NAME, LONGEST_QUERY = 60, 2000


class NotSaved(Exception):
    """A view that can't be saved like this: a sentence saying why."""


class SavedView(Base):
    """Kept as an address has it, and read back like one: what is not known any more is left out."""

    __tablename__ = "saved_views"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    name: Mapped[str]
    query: Mapped[str]
    shared: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime] = mapped_column(default=utcnow)

    def filter(self, shop: Shop) -> Filter:
        return Filter.from_query(self.query).at(shop)

    def rename(self, name: str, user: User) -> None:
        """`NotSaved` where another view has that name."""
        name = check_name(name)
        named = self._named(name, user, self.shop_id)
        if named is not None and named.id != self.id:
            raise NotSaved(f"You have a view “{named.name}” already.")
        self.name = name

    @classmethod
    def save(cls, name: str, filter_: Filter, user: User, shop: Shop, shared: bool = False) -> SavedView:
        """Under that name, in place of the view that had it. `NotSaved` with a sentence where that can't be."""
        name = check_name(name)
        if len(filter_.query) > LONGEST_QUERY:
            raise NotSaved("This filter is too long to be saved: drop a part of it.")
        view = cls._named(name, user, shop.id)
        if view is None:
            if len(cls.own(user, shop)) >= MOST:
                raise NotSaved(f"You have {MOST} views here already: remove one, or save over one by its name.")
            view = cls(user_id=user.id, shop_id=shop.id)
            db.session.add(view)
        view.name, view.query, view.shared = name, filter_.query, shared
        return view

    def remove(self) -> None:
        db.session.delete(self)

    @classmethod
    def own(cls, user: User, shop: Shop) -> list[SavedView]:
        """By name."""
        return [view for view in cls.seen_by(user, shop) if view.user_id == user.id]

    @classmethod
    def seen_by(cls, user: User, shop: Shop) -> list[SavedView]:
        """The user's own and those that others share, by name."""
        wanted = select(cls).where(cls.shop_id == shop.id, or_(cls.user_id == user.id, cls.shared))
        return list(db.session.scalars(wanted.order_by(func.lower(cls.name), cls.id)))

    @classmethod
    def _named(cls, name: str, user: User, shop_id: int) -> SavedView | None:
        """With the user locked until the commit, so that two clicks at once make one view."""
        db.session.execute(select(User.id).where(User.id == user.id).with_for_update())
        same = func.lower(cls.name) == func.lower(name)
        return db.session.scalar(select(cls).where(cls.user_id == user.id, cls.shop_id == shop_id, same))


Index("uq_saved_views_name", SavedView.user_id, SavedView.shop_id, func.lower(SavedView.name), unique=True)


def check_name(text: str) -> str:
    """The name, trimmed, card numbers starred; `NotSaved` with a sentence where it is none."""
    name = mask(" ".join(text.split()))
    if not name:
        raise NotSaved("Give the view a name.")
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise NotSaved(f"That is no name for a view: up to {LONGEST_NAME} letters, digits and signs.")
    return name
