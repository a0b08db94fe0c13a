"""API tokens: by which a shop's programs call us, each named, with what it may do and until when."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey, Text, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from ..clock import utcnow
from ..extensions import Base, db
from ..words.formats import Format
from .accounts import Shop
from .acts import Activity
from .users import User

PREFIX = "sc_"
LONGEST_NAME = 60
# How closely the last use is kept: a token that is used all day writes a row now and then.
USED_EVERY = timedelta(hours=1)


class Scope(StrEnum):
    """What a token may do."""

    orders = "orders"  # hand orders in, give them up, look at them
    feed = "feed"  # follow the changes of all orders
    read = "callbacks:read"
    act = "callbacks:act"  # do what a manager does about a callback


# What a shop needs whose program hands in orders and follows them.
USUAL = (Scope.orders, Scope.feed)


class ApiToken(Base):
    """One bearer token of a shop. Its text is shown once; what is kept is its SHA-256.

    `user`: as whom it acts on callbacks, None where its scopes let it do nothing of the kind. It has the token's name
    and is a manager's equal; tokens of one name that follow each other are the same.
    """

    __tablename__ = "api_tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str]
    digest: Mapped[bytes] = mapped_column(unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    starts_at: Mapped[datetime] = mapped_column(default=utcnow)
    ends_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]

    shop: Mapped[Shop] = relationship()
    user: Mapped[User | None] = relationship()

    @classmethod
    def add(
        cls, shop: Shop, name: str, scopes: Iterable[Scope], by: User | None, ends_at: datetime | None = None
    ) -> tuple[ApiToken, str]:
        """A new one and its text, to be shown once. `by` None: the command line.

        `ValueError` with a sentence where it has no name or scope, or the name is in use.
        """
        name = " ".join(name.split())
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            raise ValueError(f"Name the token after the program that uses it, in at most {LONGEST_NAME} characters.")
        if name in {token.name for token in cls.of(shop.id) if token.in_use}:
            raise ValueError(f"A token {name} is in use already: replace it, or take another name.")
        return cls._made(shop, name, scopes, by, ends_at)

    def replace(self, former_end: datetime | None, by: User | None) -> tuple[ApiToken, str]:
        """A new one of the same name and scopes. This one ends then, or goes on beside it where None."""
        if former_end is not None:
            self.ends_at = min(self.ends_at or former_end, former_end)
        return self._made(self.shop, self.name, map(Scope, self.scopes), by)

    def end(self, at: datetime | None, by: User | None) -> None:
        """In use until then; None: without an end. One that has ended stays so: `ValueError`."""
        if not self.in_use:
            raise ValueError(f"The token {self.name} has ended already: make a new one.")
        self.ends_at = max(at, self.starts_at) if at else None
        end = f"ends {Format(self.shop.time_zone).kept(at)}" if at else "goes on without an end"
        Activity.record("end API token", by, shop_id=self.shop_id, what=f"{self.name}: {end}")

    @classmethod
    def _made(
        cls, shop: Shop, name: str, scopes: Iterable[Scope], by: User | None, ends_at: datetime | None = None
    ) -> tuple[ApiToken, str]:
        asked = set(scopes)
        wanted = [scope for scope in Scope if scope in asked]
        if not wanted:
            raise ValueError("Say what the token may do.")
        text = PREFIX + secrets.token_urlsafe(32)
        made = cls(shop=shop, name=name, digest=_digest(text), scopes=[*wanted], ends_at=ends_at)
        made.user = _actor(shop, name) if Scope.act in wanted else None
        db.session.add(made)
        db.session.flush()
        Activity.record("new API token", by, shop_id=shop.id, what=f"{name}: {', '.join(wanted)}")
        return made, text

    @classmethod
    def of(cls, shop_id: int) -> list[ApiToken]:
        """All there ever were, newest first."""
        return list(db.session.scalars(select(cls).where(cls.shop_id == shop_id).order_by(cls.id.desc())))

    @classmethod
    def of_text(cls, text: str) -> ApiToken | None:
        """The one in use that reads so."""
        live = or_(cls.ends_at.is_(None), cls.ends_at > utcnow())
        wanted = select(cls).where(cls.digest == _digest(text), live)
        return db.session.scalar(wanted.options(joinedload(cls.shop), joinedload(cls.user)))

    @property
    def in_use(self) -> bool:
        return self.ends_at is None or self.ends_at > utcnow()

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes

    def used(self) -> bool:
        """It was used just now. Written once an hour; whether it was."""
        now = utcnow()
        if self.used_at is not None and now - self.used_at < USED_EVERY:
            return False
        self.used_at = now
        return True


def _actor(shop: Shop, name: str) -> User:
    """As whom tokens of that name act: as before, where there was one."""
    before = select(ApiToken).where(ApiToken.shop_id == shop.id, ApiToken.name == name, ApiToken.user_id.is_not(None))
    found = db.session.scalar(before.limit(1)) if shop.id is not None else None
    return found.user if found is not None and found.user is not None else User.add_program(name, shop)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()
