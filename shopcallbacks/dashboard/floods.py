"""Floods: more callbacks in an hour that are not genuine than an account should have. All are kept, none is refused."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select

from ..callbacks.callback import Callback
from ..domain.values import Verdict
from ..extensions import db
from ..shops.accounts import GatewayAccount

HOUR = timedelta(hours=1)


def is_flooded(account: GatewayAccount, now: datetime, most: int) -> bool:
    """Whether more than so many of its last hour were found not to be genuine. Looks no further than that."""
    lately = (Callback.account_id == account.id, Callback.received_at > now - HOUR)
    found = select(Callback.id).where(*lately, Callback.verdict == Verdict.not_genuine).limit(most + 1).subquery()
    return (db.session.scalar(select(func.count()).select_from(found)) or 0) > most
