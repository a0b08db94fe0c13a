"""A gateway account's encrypted secrets, each with the time it lives."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from ..clock import utcnow
from ..extensions import Base
from ..words.formats import Format
from .sealing import Unreadable, seal, unseal

# What becomes of the secrets in use when a new one is added: for how long they go on. None: without an end.
FORMER = {"": None, "now": timedelta(0), "day": timedelta(days=1), "week": timedelta(days=7)}


def former_end(choice: str, now: datetime) -> datetime | None:
    """When those in use end; None where they go on, as for a choice that there is not."""
    wait = FORMER.get(choice)
    return now + wait if wait is not None else None


class Secret(Base):
    """One secret of an account: encrypted, with the time it lives. Several of a setting may be live at once."""

    __tablename__ = "secrets"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("gateway_accounts.id"), index=True)
    key: Mapped[str]
    ciphertext: Mapped[bytes]
    starts_at: Mapped[datetime] = mapped_column(default=utcnow)
    ends_at: Mapped[datetime | None]

    def live(self, arrived_at: datetime) -> bool:
        """In use for a callback that arrived then: not ended by then.

        A secret added after the arrival counts, so that a retry can succeed once a forgotten secret is entered. And one
        that seems to begin only in a moment: the clock of whoever added it is ahead of ours.
        """
        return self.ends_at is None or self.ends_at > arrived_at

    @property
    def in_use(self) -> bool:
        return self.live(utcnow())

    def end(self, at: datetime | None) -> None:
        """In use until then: a time to come for an overlap, now, or when it got known to others. None: no end."""
        self.ends_at = max(at, self.starts_at) if at else None

    @property
    def place(self) -> str:
        """What it is sealed for. The account must have its id."""
        return f"{self.key} of gateway account {self.account_id}"

    @property
    def value(self) -> Any:
        """Decrypted; `SecretUnreadable` where SECRETS_KEY does not hold its key any more."""
        try:
            return unseal(self.ciphertext, self.place)
        except Unreadable:
            raise SecretUnreadable(f"a secret of {self.key} can't be decrypted with SECRETS_KEY") from None

    @value.setter
    def value(self, value: Any) -> None:
        self.ciphertext = seal(value, self.place)

    def label(self, written: Format) -> str:
        """How screens and attempts name it, without showing it."""
        if self.ends_at is None:
            return f"the secret of {written.kept(self.starts_at)}"
        word = "retired" if self.ends_at <= utcnow() else "in use until"
        return f"the secret {word} {written.kept(self.ends_at)}"


class SecretUnreadable(Exception):
    """SECRETS_KEY does not hold the key this secret was encrypted with, or it is another account's."""
