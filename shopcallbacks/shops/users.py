"""Users: who logs in, what their role allows and which shops they see."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, cast

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from flask_login import UserMixin
from sqlalchemy import ForeignKey, false, func, or_, select
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from ..clock import utcnow
from ..domain.errors import Refused
from ..extensions import Base, db
from .accounts import Shop
from .hashing import in_turn
from .passwords import check_password
from .preferences import Preferences
from .sessions import End, UserSession

_hasher = PasswordHasher()


@cache
def _nobody() -> str:
    """Checked when no user has the e-mail, so that both ways take the same time."""
    return hash_password("nobody")


def hash_password(password: str) -> str:
    return in_turn(_hasher.hash, password)


def _check_and_hash(password: str, known: list[str]) -> str:
    check_password(password, known)
    return _hasher.hash(password)


def _fits(hashed: str, password: str) -> bool:
    try:
        return in_turn(_hasher.verify, hashed, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


class Role(StrEnum):
    """viewer reads; manager acts on callbacks too; admin sets up the shops they are admin of, too; owner may do all of
    that in every shop of the installation. Each may do what those before it may.
    """

    viewer = "viewer"
    manager = "manager"
    admin = "admin"
    owner = "owner"

    def reaches(self, other: Role) -> bool:
        """Whether it may do all that the other may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


# What acts by a token has a name that begins so.
PROGRAM = "API token"
# As what else is told who did something: no person's name begins so.
_NO_PERSON = (PROGRAM.lower(), "the command line", "somebody unknown")


def _name(typed: str) -> str:
    """Without signs that nobody sees, or that turn the direction of the text. `ValueError` where it is no person's."""
    name = " ".join("".join(sign for sign in typed if sign.isprintable() or sign.isspace()).split())
    if name.lower().startswith(_NO_PERSON):
        raise ValueError(f"“{name}” is no name of a person: others would not know who did what.")
    return name


OF_SHOPS = (Role.viewer, Role.manager, Role.admin)


class Membership(Base):
    """A shop that a user sees, and their role there. Owners see every one without."""

    __tablename__ = "memberships"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"), primary_key=True)
    role: Mapped[Role]
    shop: Mapped[Shop] = relationship(lazy="joined")


class User(UserMixin, Base):
    """A person who logs in. Never deleted, only made inactive: what they did keeps their name.

    `owns`: an owner of the installation, who sees every shop, and what belongs to none. `program`: no person, but what
    acts by a shop's API tokens (`shops.tokens`); it never logs in.
    """

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str]  # empty: they log in with the provider only
    identity: Mapped[str | None] = mapped_column(unique=True)  # who they are to the provider
    owns: Mapped[bool] = mapped_column(default=False, server_default=false())
    active: Mapped[bool] = mapped_column(default=True)
    program: Mapped[bool] = mapped_column(default=False, server_default=false())
    preferences: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    memberships: Mapped[list[Membership]] = relationship(cascade="all, delete-orphan")
    _shop_id = cast("int | None", None)  # of the shop they look at

    @property
    def is_active(self) -> bool:
        return self.active

    @property
    def initials(self) -> str:
        words = self.name.split()
        return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"

    def look_at(self, shop: Shop) -> None:
        """From here on `role` and what follows from it are of that shop."""
        self._shop_id = shop.id

    @property
    def role(self) -> Role | None:
        """In the shop they look at; before they look at one, the least of theirs. None where they see no shop."""
        if self._shop_id is not None:
            return self.role_in(self._shop_id)
        if self.owns:
            return Role.owner
        roles = {one.role for one in self.memberships}
        return next((role for role in Role if role in roles), None)

    def role_in(self, shop_id: int) -> Role | None:
        """None where they don't see the shop."""
        if self.owns:
            return Role.owner
        return next((one.role for one in self.memberships if one.shop_id == shop_id), None)

    def reaches(self, role: Role, shop_id: int) -> bool:
        """Whether they may do in that shop all that the role may."""
        own = self.role_in(shop_id)
        return own is not None and own.reaches(role)

    def manages(self, person: User) -> bool:
        """Whether the person as a whole is theirs to change, not only their role in a shop: an owner's everybody is, an
        admin's is who sees nothing but shops that they are admin of. Nobody manages themselves.
        """
        if self.id == person.id:
            return False
        of = person.memberships
        return self.owns or (not person.owns and bool(of) and all(self.reaches(Role.admin, one.shop_id) for one in of))

    @property
    def may_act(self) -> bool:
        """May retry, force, remove and restore."""
        return self.role is not None and self.role.reaches(Role.manager)

    @property
    def may_set_up(self) -> bool:
        """May set up the shop they look at: gateways, secrets, endpoint, alerts, people."""
        return self.role is not None and self.role.reaches(Role.admin)

    @property
    def shops(self) -> list[Shop]:
        """The shops this user sees, by name."""
        if self.owns:
            return Shop.every()
        return sorted((one.shop for one in self.memberships), key=lambda shop: (shop.name, shop.id))

    @classmethod
    def reaching(cls, role: Role, shop: Shop) -> list[User]:
        """People who may do there all that the role may, by name."""
        return [
            user for user in cls.who_see(shop.id) if user.active and not user.program and user.reaches(role, shop.id)
        ]

    @property
    def prefers(self) -> Preferences:
        return Preferences.read(self.preferences)

    def prefer(self, **choices: Any) -> None:
        """Keeps these choices; `Unknown` with a sentence where one can't be chosen."""
        self.preferences = self.prefers.but(**choices).kept

    @property
    def password_mark(self) -> str:
        """Another one with each password; it tells nothing of it."""
        return hashlib.sha256(self.password_hash.encode()).hexdigest()[:24]

    def fits(self, password: str) -> bool:
        """It is the user's password."""
        return _fits(self.password_hash, password)

    def set_password(self, password: str) -> None:
        """Ends all their sessions. `ValueError` with a sentence where the password is not taken; `Busy` where too many
        are being looked at.
        """
        shops = [name for one in self.memberships for name in (one.shop.name, one.shop.slug)]
        self.password_hash = in_turn(_check_and_hash, password, [self.email, self.name, *shops])
        self.end_sessions(End.password)

    def set_active(self, active: bool) -> None:
        """Switches the user off, which ends all their sessions, or on again. `Refused` for the last owner."""
        if not active and self.active:
            self._check_not_last_owner()
        self.active = active
        if not active:
            self.end_sessions(End.switched_off)

    def set_rights(self, roles: Mapping[Shop, Role]) -> None:
        """What they may do, by shop; they see these and no other. Ends all their sessions. `Refused` for the last
        owner.
        """
        self._check_not_last_owner()
        self.owns = False
        self._take(roles)
        self.end_sessions(End.rights)

    def make_owner(self) -> None:
        """Of the installation: every shop is theirs. Ends all their sessions."""
        self.owns = True
        self._take({})
        self.end_sessions(End.rights)

    @property
    def rights(self) -> dict[Shop, Role]:
        """Their role in each shop that they were given."""
        return {one.shop: one.role for one in self.memberships}

    def _take(self, roles: Mapping[Shop, Role]) -> None:
        if Role.owner in roles.values():
            raise ValueError("An owner sees every shop: name none.")
        kept = {one.shop_id: one for one in self.memberships}
        self.memberships = [kept.get(shop.id) or Membership(shop=shop) for shop in roles]
        for one, role in zip(self.memberships, roles.values(), strict=True):
            one.role = role

    def _check_not_last_owner(self) -> None:
        """Locks the owners, so that two of them can't switch each other off at once. A program lets nobody in."""
        if not (self.owns and self.active and self.id is not None):
            return
        owners = select(User.id).where(User.owns, User.active, ~User.program).order_by(User.id).with_for_update()
        if list(db.session.scalars(owners)) == [self.id]:
            raise Refused(f"{self.name} is the last owner. Make somebody else one first.")

    def end_sessions(self, why: End) -> None:
        if self.id is not None:
            UserSession.end_all(self.id, why)

    @classmethod
    def add(cls, email: str, name: str, role: Role, password: str | None, shops: list[Shop]) -> User:
        """A new user with that role in each of the shops; without a password they log in with the provider only.

        `ValueError` with a sentence where the e-mail is taken, the name, the password or the shops don't do.
        """
        if role is Role.owner and shops:
            raise ValueError("An owner sees every shop: name none.")
        if role is Role.admin and not shops:
            raise ValueError("An admin sets up the shops they are admin of: name at least one. An owner sets up all.")
        email = email.strip().lower()
        if "@" not in email:
            raise ValueError(f"{email!r} is not an e-mail address.")
        if cls.by_email(email) is not None:
            raise ValueError(f"There is a user {email} already.")
        name = _name(name) or email.split("@")[0]
        user = cls(email=email, name=name, owns=role is Role.owner, password_hash="")
        user._take(dict.fromkeys(shops, role))
        if password is not None:
            user.set_password(password)
        db.session.add(user)
        return user

    @classmethod
    def add_program(cls, name: str, shop: Shop) -> User:
        """What acts by the shop's API tokens of that name: a manager's equal, without an address or a password."""
        made = cls(name=f"{PROGRAM} {name}", program=True, password_hash="")
        made._take({shop: Role.manager})
        made.email = f"{secrets.token_hex(8)}@api-tokens.invalid"
        db.session.add(made)
        return made

    @classmethod
    def by_email(cls, email: str) -> User | None:
        """The person."""
        return db.session.scalar(select(cls).where(cls.email == email.strip().lower(), ~cls.program))

    @classmethod
    def by_identity(cls, identity: str) -> User | None:
        return db.session.scalar(select(cls).where(cls.identity == identity))

    @classmethod
    def of_session(cls, token: str) -> tuple[User, UserSession] | None:
        """Who is logged in with that token, and where; None where it is over. With the shops they see, which each page
        needs.
        """
        wanted = select(cls, UserSession).join(UserSession, UserSession.user_id == cls.id)
        with_shops = wanted.options(joinedload(cls.memberships))
        found = db.session.execute(with_shops.where(UserSession.bears(token), cls.active))
        return found.unique().one_or_none()

    @classmethod
    def log_in(cls, email: str, password: str) -> User | None:
        """The active user with that password. Takes as long when there is none. `Busy` where too many log in."""
        user = cls.by_email(email)
        hashed = user.password_hash if user else ""
        fits = _fits(hashed or _nobody(), password)
        return user if fits and hashed and user is not None and user.active else None

    @classmethod
    def who_see(cls, shop_id: int) -> list[User]:
        """By name: the shop's own, its programs among them, and owners."""
        of_shop = select(Membership.user_id).where(Membership.shop_id == shop_id)
        wanted = select(cls).where(or_(cls.id.in_(of_shop), cls.owns))
        return list(db.session.scalars(wanted.order_by(func.lower(cls.name), cls.id)))

    @classmethod
    def every(cls) -> list[User]:
        """All people."""
        return list(db.session.scalars(select(cls).where(~cls.program).order_by(func.lower(cls.name), cls.id)))
