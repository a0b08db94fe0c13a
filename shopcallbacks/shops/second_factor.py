"""The second factor: codes of an app that shares a secret with us (TOTP), and codes on paper for when it is lost."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from datetime import datetime
from hmac import compare_digest

import pyotp
import segno
from sqlalchemy import ForeignKey, Index, func, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from ..clock import utcnow
from ..extensions import Base, db, locked
from .sealing import Unreadable, seal, unseal
from .users import User

STEP_S = 30
RECOVERY_CODES = 10


class SecondFactor(Base):
    """A user's, since `made_at`. `step`: the half minute of the last code that was taken; no code counts twice."""

    __tablename__ = "second_factors"
    __table_args__ = (
        Index("uq_second_factors_user", "user_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    sealed: Mapped[bytes]
    step: Mapped[int] = mapped_column(default=0)
    made_at: Mapped[datetime] = mapped_column(default=utcnow)
    ended_at: Mapped[datetime | None]

    @classmethod
    def of(cls, user: User) -> SecondFactor | None:
        return db.session.scalar(select(cls).where(cls.user_id == user.id, cls.ended_at.is_(None)))

    @classmethod
    def begin(cls, user: User, secret: str, code: str) -> SecondFactor | None:
        """From now on; None where the code is not of that secret."""
        factor = cls(user_id=user.id)
        factor.sealed = seal(secret, factor.place)
        db.session.add(factor)
        if not factor._takes(code):
            db.session.expunge(factor)
            return None
        return factor

    @property
    def place(self) -> str:
        """What the secret is sealed for."""
        return f"second factor of user {self.user_id}"

    def fits(self, code: str) -> bool:
        """It is a code of the app, or one of those on paper; either counts once."""
        locked(SecondFactor, self.id)
        return self.ended_at is None and (self._takes(code) or RecoveryCode.take(self.id, code))

    def _takes(self, code: str) -> bool:
        """Clocks may differ by half a minute. `Unreadable` secrets fit nothing: an admin resets the factor."""
        try:
            app = pyotp.TOTP(unseal(self.sealed, self.place))
        except Unreadable:
            return False
        now, typed = int(utcnow().timestamp()) // STEP_S, re.sub(r"\s", "", code)
        for step in (now - 1, now, now + 1):
            if step > (self.step or 0) and compare_digest(app.generate_otp(step).encode(), typed.encode()):
                self.step = step
                return True
        return False

    def end(self) -> None:
        self.ended_at = utcnow()


class RecoveryCode(Base):
    """A code on paper, of 80 bits: so its digest is safe without being slow."""

    __tablename__ = "recovery_codes"

    id: Mapped[int] = mapped_column(primary_key=True)
    factor_id: Mapped[int] = mapped_column(ForeignKey("second_factors.id"), index=True)
    digest: Mapped[bytes]
    used_at: Mapped[datetime | None]

    @classmethod
    def make(cls, factor: SecondFactor) -> list[str]:
        """New ones, to be shown once; those before them end."""
        db.session.flush()
        former = update(cls).where(cls.factor_id == factor.id, cls.used_at.is_(None))
        db.session.execute(former.values(used_at=utcnow()))
        codes = [_grouped(base64.b32encode(secrets.token_bytes(10)).decode().lower()) for _ in range(RECOVERY_CODES)]
        db.session.add_all(cls(factor_id=factor.id, digest=_digest(code)) for code in codes)
        return codes

    @classmethod
    def take(cls, factor_id: int, code: str) -> bool:
        wanted = select(cls).where(cls.factor_id == factor_id, cls.used_at.is_(None), cls.digest == _digest(code))
        found = db.session.scalar(wanted.with_for_update())
        if found is None:
            return False
        found.used_at = utcnow()
        return True

    @classmethod
    def left(cls, factor: SecondFactor) -> int:
        wanted = select(func.count()).where(cls.factor_id == factor.id, cls.used_at.is_(None))
        return db.session.scalar(wanted) or 0


def _grouped(code: str) -> str:
    return "-".join(code[place : place + 4] for place in range(0, len(code), 4))


def _digest(code: str) -> bytes:
    return hashlib.sha256(re.sub(r"[^a-z2-7]", "", code.lower()).encode()).digest()


def picture(secret: str, user: User) -> str:
    """What the app reads the secret from: a QR code, as the address of an image that holds it."""
    address = pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name="shopcallbacks")
    found: str = segno.make(address, micro=False).svg_data_uri(scale=4, dark="#000", light="#fff")
    return found
