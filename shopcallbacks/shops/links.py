"""Links that let whoever holds one do one thing, once, for a time: join, or set a new password. The database has only
the digest of what is secret in them.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from enum import StrEnum

from flask import current_app
from sqlalchemy import ColumnElement, ForeignKey, Index, and_, func, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..clock import utcnow
from ..domain.values import read_id
from ..extensions import Base, db, locked
from .accounts import Shop
from .users import Role, User


class LinkKind(StrEnum):
    """What a link is for, as its address begins."""

    invitation = "invitations"
    password = "passwords"


LASTS = {LinkKind.invitation: timedelta(days=7), LinkKind.password: timedelta(hours=1)}


class Link(Base):
    """One link. An invitation: of `email`, to be `role` of `shop` (an owner: of none). For a password: of `user`.

    `by`: who made it; None is the command line, or whoever forgot their password. It has no `digest` before it was
    shown or sent to somebody.
    """

    __tablename__ = "links"
    __table_args__ = (Index("ix_links_shop", "shop_id", "id"), Index("ix_links_user", "user_id", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[LinkKind]
    email: Mapped[str]
    shop_id: Mapped[int | None] = mapped_column(ForeignKey("shops.id"))
    role: Mapped[Role | None]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    digest: Mapped[bytes | None]
    made_at: Mapped[datetime] = mapped_column(default=utcnow)
    ends_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    shop: Mapped[Shop | None] = relationship()
    user: Mapped[User | None] = relationship(foreign_keys=[user_id])
    by: Mapped[User | None] = relationship(foreign_keys=[by_id])

    @classmethod
    def make(
        cls,
        kind: LinkKind,
        email: str,
        by: User | None,
        shop: Shop | None = None,
        role: Role | None = None,
        user: User | None = None,
    ) -> Link:
        link = cls(kind=kind, email=email, by=by, shop=shop, role=role, user=user)
        link.ends_at = utcnow() + LASTS[kind]
        db.session.add(link)
        db.session.flush()
        return link

    def address(self) -> str:
        """A new address for it, to be shown or sent once. The former one stops working."""
        token = secrets.token_urlsafe(32)
        self.digest = self._digest(token)
        return f"{current_app.config['PUBLIC_URL']}/{self.kind}/{self.id}/{token}"

    def _digest(self, token: str) -> bytes:
        """That of a password names the password it replaces: once there is another one, it does not fit."""
        replaced = self.user.password_hash if self.user else ""
        return hashlib.sha256(f"{token} {replaced}".encode()).digest()

    @classmethod
    def find(cls, kind: LinkKind, id_: str, token: str) -> Link | None:
        """That of the address, where it still opens; locked until the transaction ends, so that it is used once."""
        key = read_id(id_)
        if key is None or db.session.get(cls, key) is None:
            return None
        link = locked(cls, key)
        fits = link.digest is not None and secrets.compare_digest(link.digest, link._digest(token))
        return link if fits and link.kind is kind and link.opens else None

    @property
    def opens(self) -> bool:
        """Neither used nor taken back nor too old; and whoever made it may still do so."""
        unused = self.used_at is None and self.withdrawn_at is None and self.ends_at > utcnow()
        return unused and (self.by is None or (self.by.active and self._still_theirs(self.by)))

    def _still_theirs(self, by: User) -> bool:
        if self.user is not None:
            return by.manages(self.user)
        return by.reaches(Role.admin, self.shop_id) if self.shop_id is not None else by.owns

    def use(self) -> None:
        self.used_at = utcnow()

    def withdraw(self) -> None:
        self.withdrawn_at = utcnow()

    @classmethod
    def invitations(cls, shop: Shop, owners: bool) -> list[Link]:
        """Those that are open, the newest first: to the shop, and to be an owner where these are asked for."""
        to = cls.shop_id == shop.id
        wanted = select(cls).where(cls._invites(), to | cls.shop_id.is_(None) if owners else to)
        return list(db.session.scalars(wanted.order_by(cls.id.desc())))

    @classmethod
    def to(cls, email: str, shop: Shop | None) -> list[Link]:
        """The open invitations of somebody to the shop; to be an owner where None."""
        of = cls.shop_id == shop.id if shop else cls.shop_id.is_(None)
        return list(db.session.scalars(select(cls).where(cls._invites(), cls.email == email, of)))

    @classmethod
    def for_email(cls, email: str) -> list[Link]:
        """The invitations that open for whoever has that e-mail, the oldest first; locked."""
        wanted = select(cls).where(cls._invites(), cls.email == email).order_by(cls.id).with_for_update(of=cls)
        return [link for link in db.session.scalars(wanted) if link.opens]

    @classmethod
    def _invites(cls) -> ColumnElement[bool]:
        unused = and_(cls.used_at.is_(None), cls.withdrawn_at.is_(None), cls.ends_at > func.now())
        return and_(cls.kind == LinkKind.invitation, unused)
