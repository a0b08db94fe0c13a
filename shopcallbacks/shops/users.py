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
from .passwords import check_password
from .preferences import Preferences
from .sessions import End, UserSession

_hasher = PasswordHasher()


@cache
def _nobody() -> str:
    """Checked when no user has the e-mail, so that both ways take the same time."""
    return _hasher.hash("nobody")


def hash_password(password: str) -> str:
    return _hasher.hash(password)


def _fits(hashed: str, password: str) -> bool:
    try:
        return in_turn(_hasher.verify, hashed, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


class Role(StrEnum):
    """viewer reads; manager acts on callbacks too; admin sets up the shops they are admin of, too; owner may do all of
    that in every shop of the installation.
    """

    viewer = "viewer"
    manager = "manager"
    admin = "admin"
    owner = "owner"


class Membership(Base):
    """Which shops a user sees. Admins see every one without."""

    __tablename__ = "memberships"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"), primary_key=True)


class User(UserMixin, Base):
    """A person who logs in. Never deleted, only made inactive: what they did keeps their name."""

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
        return self.role in (Role.manager, Role.admin, Role.owner)

    @property
    def may_set_up(self) -> bool:
        """May set up the shops they see: gateways, secrets, endpoint, alerts."""
        return self.role in (Role.admin, Role.owner)

    @property
    def owns(self) -> bool:
        """Sees every shop, and what belongs to none."""
        return self.role is Role.owner

    @property
    def shops(self) -> list[Shop]:
        """The shops this user sees, by name."""
        return Shop.every() if self.owns else self.memberships

    @classmethod
    def acting_in(cls, shop: Shop) -> list[User]:
        """Those who may act there, by name."""
        seen = or_(cls.role == Role.owner, cls.id.in_(select(Membership.user_id).where(Membership.shop_id == shop.id)))
        wanted = select(cls).where(cls.active, cls.role != Role.viewer, seen)
        return list(db.session.scalars(wanted.order_by(cls.name, cls.id)))

    @classmethod
    def setting_up(cls, shop: Shop) -> list[User]:
        """Those of them who may set it up."""
        return [user for user in cls.acting_in(shop) if user.may_set_up]

    @property
    def prefers(self) -> Preferences:
        return Preferences.read(self.preferences)

    def prefer(self, **choices: Any) -> None:
        """Keeps these choices; `Unknown` with a sentence where one can't be chosen."""
        self.preferences = self.prefers.but(**choices).kept

    def fits(self, password: str) -> bool:
        """It is the user's password."""
        return _fits(self.password_hash, password)

    def set_password(self, password: str) -> None:
        """Ends all their sessions. `ValueError` with a sentence where the password is not taken."""
        shops = [name for shop in self.memberships for name in (shop.name, shop.slug)]
        check_password(password, [self.email, self.name, *shops])
        self.password_hash = hash_password(password)
        self.end_sessions(End.password)

    def set_active(self, active: bool) -> None:
        """Switches the user off, which ends all their sessions, or on again."""
        self.active = active
        if not active:
            self.end_sessions(End.switched_off)

    def set_rights(self, role: Role, shops: list[Shop]) -> None:
        """What they may do, and where. Ends all their sessions. `ValueError` where the role does not fit the shops."""
        _check_rights(role, shops)
        self.role, self.memberships = role, shops
        self.end_sessions(End.rights)

    def end_sessions(self, why: End) -> None:
        if self.id is not None:
            UserSession.end_all(self.id, why)

    @classmethod
    def add(cls, email: str, name: str, role: Role, password: str, shops: list[Shop]) -> User:
        """A new user; `ValueError` with a sentence where the e-mail is taken, the password or the shops don't do."""
        _check_rights(role, shops)
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
    def of_session(cls, token: str) -> tuple[User, UserSession] | None:
        """Who is logged in with that token, and where; None where it is over."""
        wanted = select(cls, UserSession).join(UserSession, UserSession.user_id == cls.id)
        return db.session.execute(wanted.where(UserSession.bears(token), cls.active)).one_or_none()

    @classmethod
    def log_in(cls, email: str, password: str) -> User | None:
        """The active user with that password. Takes as long when there is none. `Busy` where too many log in."""
        user = cls.by_email(email)
        fits = _fits(user.password_hash if user else _nobody(), password)
        return user if fits and user is not None and user.active else None

    @classmethod
    def who_see(cls, shop_id: int) -> list[User]:
        """By name: the shop's own, and owners."""
        of_shop = select(Membership.user_id).where(Membership.shop_id == shop_id)
        wanted = select(cls).where(or_(cls.id.in_(of_shop), cls.role == Role.owner))
        return list(db.session.scalars(wanted.order_by(func.lower(cls.name), cls.id)))

    @classmethod
    def every(cls) -> list[User]:
        return list(db.session.scalars(select(cls).order_by(func.lower(cls.name), cls.id)))


def _check_rights(role: Role, shops: list[Shop]) -> None:
    if role is Role.owner and shops:
        raise ValueError("An owner sees every shop: name none.")
    if role is Role.admin and not shops:
        raise ValueError("An admin sets up the shops they are admin of: name at least one. An owner sets up all.")
