"""Users: who logs in, what their role allows and which shops they see."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from flask_login import UserMixin
from sqlalchemy import ForeignKey, func, or_, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..extensions import Base, db, utcnow
from .accounts import Shop
from .hashing import in_turn
from .preferences import Preferences

_hasher = PasswordHasher()


@cache
def _nobody() -> str:
    """Checked when no user has the e-mail, so that both ways take the same time."""
    return _hasher.hash("nobody")


class Role(StrEnum):
    """viewer reads; manager acts on callbacks too; admin sets up shops, gateways and users too and sees every shop."""

    viewer = "viewer"
    manager = "manager"
    admin = "admin"


class Membership(Base):
    __tablename__ = "memberships"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"), primary_key=True)


class User(UserMixin, Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str]
    role: Mapped[Role]
    active: Mapped[bool] = mapped_column(default=True)
    preferences: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    memberships: Mapped[list[Shop]] = relationship(secondary="memberships", order_by=Shop.name)

    @property
    def is_active(self) -> bool:
        return self.active

    @property
    def initials(self) -> str:
        words = self.name.split()
        return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"

    @property
    def may_act(self) -> bool:
        """May retry, force, remove and restore."""
        return self.role in (Role.manager, Role.admin)

    @property
    def may_set_up(self) -> bool:
        return self.role is Role.admin

    @property
    def shops(self) -> list[Shop]:
        """The shops this user sees, by name."""
        return Shop.every() if self.role is Role.admin else self.memberships

    @property
    def prefers(self) -> Preferences:
        return Preferences.read(self.preferences)

    def prefer(self, **choices: Any) -> None:
        """Keeps these choices; `Unknown` with a sentence where one can't be chosen."""
        self.preferences = self.prefers.but(**choices).kept

    def set_password(self, password: str) -> None:
        """`ValueError` with a sentence where the password is too short."""
        if len(password) < 10:
            raise ValueError("The password needs at least 10 characters.")
        self.password_hash = _hasher.hash(password)

    @classmethod
    def add(cls, email: str, name: str, role: Role, password: str, shops: list[Shop]) -> User:
        """A new user; `ValueError` with a sentence where the e-mail is taken or the password too short."""
        email = email.strip().lower()
        if "@" not in email:
            raise ValueError(f"{email!r} is not an e-mail address.")
        if cls.by_email(email) is not None:
            raise ValueError(f"There is a user {email} already.")
        user = cls(email=email, name=name or email.split("@")[0], role=role, memberships=shops)
        user.set_password(password)
        db.session.add(user)
        return user

    @classmethod
    def by_email(cls, email: str) -> User | None:
        return db.session.scalar(select(cls).where(cls.email == email.strip().lower()))

    @classmethod
    def active_by_id(cls, id_: str) -> User | None:
        """Whom a session names."""
        user = db.session.get(cls, int(id_))
        return user if user is not None and user.active else None

    @classmethod
    def log_in(cls, email: str, password: str) -> User | None:
        """The active user with that password. Takes as long when there is none. `Busy` where too many log in."""
        user = cls.by_email(email)
        try:
            in_turn(_hasher.verify, user.password_hash if user else _nobody(), password)
        except (VerifyMismatchError, InvalidHashError):
            return None
        return user if user is not None and user.active else None

    @classmethod
    def who_see(cls, shop_id: int) -> list[User]:
        """By name: the shop's own, and admins."""
        of_shop = select(Membership.user_id).where(Membership.shop_id == shop_id)
        wanted = select(cls).where(or_(cls.id.in_(of_shop), cls.role == Role.admin))
        return list(db.session.scalars(wanted.order_by(func.lower(cls.name), cls.id)))

    @classmethod
    def every(cls) -> list[User]:
        return list(db.session.scalars(select(cls).order_by(func.lower(cls.name), cls.id)))
