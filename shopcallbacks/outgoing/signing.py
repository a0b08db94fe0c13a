"""Signing what goes out, as Standard Webhooks have it: id, time and body under every secret that is in use."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, select
from sqlalchemy.orm import Mapped, mapped_column

from ..clock import utcnow
from ..extensions import Base, db
from ..shops.sealing import seal, unseal

PREFIX = "whsec_"


class Purpose(StrEnum):
    """What a shop's secrets sign."""

    endpoint = "endpoint"
    alerts = "alerts"


class SigningSecret(Base):
    """A secret of the shop: made here, shown once, encrypted. Several are in use while one takes over from another."""

    __tablename__ = "signing_secrets"
    __table_args__ = (Index("ix_signing_secrets_shop_purpose", "shop_id", "purpose"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    purpose: Mapped[Purpose]
    ciphertext: Mapped[bytes]
    starts_at: Mapped[datetime] = mapped_column(default=utcnow)
    ends_at: Mapped[datetime | None]

    @property
    def in_use(self) -> bool:
        return self.ends_at is None or self.ends_at > utcnow()

    @property
    def place(self) -> str:
        """What it is sealed for."""
        return f"{self.purpose} of shop {self.shop_id}"

    @property
    def value(self) -> str:
        """`Unreadable` where it can't be decrypted."""
        return str(unseal(self.ciphertext, self.place))

    @classmethod
    def make(cls, shop_id: int, purpose: Purpose, former_end: datetime | None = None) -> str:
        """A new one, to be shown once. The others end then; None: they go on beside it."""
        if former_end is not None:
            for former in cls.live(shop_id, purpose):
                former.ends_at = min(former.ends_at or former_end, former_end)
        value = PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
        made = cls(shop_id=shop_id, purpose=purpose, starts_at=utcnow())
        made.ciphertext = seal(value, made.place)
        db.session.add(made)
        return value

    @classmethod
    def of(cls, shop_id: int, purpose: Purpose) -> list[SigningSecret]:
        """All there ever were, newest first."""
        wanted = select(cls).where(cls.shop_id == shop_id, cls.purpose == purpose).order_by(cls.id.desc())
        return list(db.session.scalars(wanted))

    @classmethod
    def live(cls, shop_id: int, purpose: Purpose) -> list[SigningSecret]:
        return [secret for secret in cls.of(shop_id, purpose) if secret.in_use]


def signed(id_: str, at: datetime, body: bytes, keys: list[str]) -> dict[str, str]:
    """The headers, with one signature for each key."""
    time = str(int(at.timestamp()))
    content = f"{id_}.{time}.".encode() + body
    found = [
        base64.b64encode(hmac.new(base64.b64decode(key.removeprefix(PREFIX)), content, hashlib.sha256).digest())
        for key in keys
    ]
    return {
        "Content-Type": "application/json",
        "User-Agent": "shopcallbacks",
        "webhook-id": id_,
        "webhook-timestamp": time,
        "webhook-signature": " ".join(f"v1,{signature.decode()}" for signature in found),
    }
