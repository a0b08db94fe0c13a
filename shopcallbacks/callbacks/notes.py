"""Notes: what managers write to each other about a callback. Written once, never changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, Index, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from ..clock import utcnow
from ..extensions import Base, db
from ..shops.acts import Activity
from ..shops.users import User
from ..words.masking import clean, mask
from .callback import Callback

LONGEST = 2000


class Note(Base):
    """One note, by whom and when."""

    __tablename__ = "notes"
    __table_args__ = (Index("ix_notes_callback", "callback_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    callback_id: Mapped[int] = mapped_column(ForeignKey("callbacks.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    at: Mapped[datetime] = mapped_column(default=utcnow)
    text: Mapped[str]

    user: Mapped[User] = relationship()

    @property
    def shown(self) -> str:
        """Card numbers masked, and every sign visible."""
        return clean(mask(self.text))

    @classmethod
    def write(cls, callback: Callback, user: User, text: str) -> Note:
        """A new note; `ValueError` with a sentence where the text can't be kept."""
        text = "\n".join(text.splitlines()).strip()
        if not text:
            raise ValueError("Write something first.")
        if len(text) > LONGEST:
            raise ValueError(f"This has {len(text):,} characters; a note holds {LONGEST:,}. Shorten it, or write two.")
        if "\x00" in text:
            raise ValueError("This holds a sign that is no text (a zero byte). Take it out, or write it anew.")
        note = cls(callback_id=callback.id, user=user, text=text, at=utcnow())
        db.session.add(note)
        Activity.record("note", user, callback.shop_id, callback.id, callback.order_id)
        return note

    @classmethod
    def about(cls, callback_id: int) -> list[Note]:
        """The oldest first."""
        wanted = select(cls).where(cls.callback_id == callback_id).order_by(cls.id).options(joinedload(cls.user))
        return list(db.session.scalars(wanted))


@dataclass(frozen=True)
class Thread:
    """A callback's notes in short."""

    count: int
    last: Note


def threads_of(callback_ids: Iterable[int]) -> dict[int, Thread]:
    """Of those callbacks that have notes, by callback id."""
    count = func.count().over(partition_by=Note.callback_id)
    rows = db.session.execute(
        select(Note, count)
        .where(Note.callback_id.in_(list(callback_ids)))
        .ext(distinct_on(Note.callback_id))
        .order_by(Note.callback_id, Note.id.desc())
    )
    return {note.callback_id: Thread(number, note) for note, number in rows}
