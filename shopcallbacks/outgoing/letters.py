"""Letters with a link that opens once. The link is made while the letter is sent, so no row holds it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from sqlalchemy import ForeignKey, Index, select, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..extensions import Base, db
from ..shops.links import Link, LinkKind
from .mail import Letter
from .sending import Sending

OVER = "the link is over"


class LinkLetter(Sending, Base):
    """One letter with one link. Each try makes the link's address anew: only that of the last one opens."""

    KEEP_TRYING: ClassVar[timedelta] = timedelta(hours=1)

    __tablename__ = "link_letters"
    __table_args__ = (Index("ix_link_letters_due", "next_try_at", postgresql_where=text("next_try_at IS NOT NULL")),)

    link_id: Mapped[int] = mapped_column(ForeignKey("links.id"), index=True)
    link: Mapped[Link] = relationship()

    @classmethod
    def post(cls, link: Link) -> None:
        """It is on its way once the transaction is committed."""
        db.session.add(cls(link=link))

    @classmethod
    def lease(cls, limit: int, now: datetime, seconds: float) -> list[LinkLetter]:
        """Those to be sent now, ours for that long. One whose link is over is given up instead."""
        wanted = select(cls).where(cls.due(now)).order_by(cls.next_try_at, cls.id).limit(limit)
        found = list(db.session.scalars(wanted.with_for_update(of=cls, skip_locked=True)))
        opening = [letter for letter in found if letter.link.opens]
        for letter in found:
            if letter not in opening:
                letter.give_up(OVER, now)
        cls.keep_lease([letter.id for letter in opening], seconds)
        return opening

    def write(self) -> Letter:
        """With a new address of the link."""
        subject, said = _invitation(self.link) if self.link.kind is LinkKind.invitation else _password(self.link)
        return Letter(self.link.email, subject, said, f"link_{self.id}_{self.tries}", self.made_at)


def _invitation(link: Link) -> tuple[str, str]:
    by = link.by.name if link.by else "The people who run it"
    of = f"{link.role} of {link.shop.name}" if link.shop else "owner of every shop"
    said = f"{by} invited you to shopcallbacks, as {of}.\n\nThis address works once, within 7 days:\n{link.address()}\n"
    return "You are invited to shopcallbacks", f"{said}\nIf you don't know what this is about, do nothing.\n"


def _password(link: Link) -> tuple[str, str]:
    said = "Somebody, you we hope, asked for a new password."
    said = f"{said}\n\nThis address works once, within an hour:\n{link.address()}\n"
    return "A new password for shopcallbacks", f"{said}\nIf it was not you, do nothing: your password stays as it is.\n"
