"""Whether a gateway account works, proven by what came: genuine callbacks of the gateway's own, and recent failures.

What an admin sends as a test shows that our side works; it never counts as the gateway's.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, false, func, select

from ..callbacks.callback import Callback
from ..domain.errors import Reason
from ..domain.states import State
from ..domain.values import Verdict
from ..extensions import db
from ..orders.order import Order
from ..shops.accounts import GatewayAccount, Shop
from ..shops.acts import Activity
from .arrivals import HOUR, Arrivals

# Only the latest so many are looked at, so that neither a flood nor a long history costs anything.
LATEST = 5000
DAY = timedelta(hours=24)
TEST = "test"  # the verb of an admin who sends a test callback


@dataclass(frozen=True)
class Failures:
    """Of the callbacks of the last 24 hours (the latest few thousand): those that were not processed, by reason."""

    came: int
    by_reason: tuple[tuple[Reason, int], ...]

    @property
    def count(self) -> int:
        return sum(count for _, count in self.by_reason)


def latest_of(columns: Select[*tuple[Any, ...]], *where: ColumnElement[bool]) -> Subquery:
    """Of the latest few thousand callbacks there."""
    return columns.where(*where).order_by(Callback.received_at.desc(), Callback.id.desc()).limit(LATEST).subquery()


def failures(account: GatewayAccount, now: datetime) -> Failures:
    lately = (Callback.account_id == account.id, Callback.received_at >= now - DAY)
    latest = latest_of(select(Callback.state, Callback.reason), *lately)
    rows = db.session.execute(
        select(latest.c.state, latest.c.reason, func.count()).group_by(latest.c.state, latest.c.reason)
    ).all()
    found: dict[Reason, int] = {}
    for state, reason, count in rows:
        if state in (State.unprocessed, State.invalid) and reason is not None:
            found[reason] = found.get(reason, 0) + count
    by_reason = tuple(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))
    return Failures(sum(row[2] for row in rows), by_reason)


def last_genuine(account: GatewayAccount) -> datetime | None:
    """When the gateway itself was last heard: among the latest, else in which hour that is kept from before them."""
    columns = select(Callback.id, Callback.received_at, Callback.verdict)
    latest = latest_of(columns, Callback.account_id == account.id)
    found: datetime | None = db.session.scalar(
        select(latest.c.received_at).where(latest.c.verdict == Verdict.genuine, ~_sent_by_us(latest.c.id)).limit(1)
    )
    return found or db.session.scalar(
        select(func.max(Arrivals.hour)).where(
            Arrivals.account_id == account.id,
            Arrivals.genuine > 0,
            Arrivals.hour <= select(func.min(latest.c.received_at)).scalar_subquery() - HOUR,
        )
    )


def own_call(account: GatewayAccount) -> Callback | None:
    """The latest call of the gateway's own; one that is genuine before any that is not. None where it never called."""
    columns = select(Callback.id, Callback.received_at, Callback.verdict)
    latest = latest_of(columns, Callback.account_id == account.id, Callback.imported_at.is_(None))
    genuine = func.coalesce(latest.c.verdict == Verdict.genuine, false())
    newest = (genuine.desc(), latest.c.received_at.desc(), latest.c.id.desc())
    found = db.session.scalar(select(latest.c.id).where(~_sent_by_us(latest.c.id)).order_by(*newest).limit(1))
    return db.session.get(Callback, found) if found is not None else None


@dataclass(frozen=True)
class Steps:
    """How far a shop's set-up is: each comes true by itself."""

    added: bool
    called: bool
    tested: bool
    handed_in: bool
    alerted: bool

    @property
    def left(self) -> int:
        return astuple(self).count(False)

    @property
    def done(self) -> bool:
        return self.left == 0


def steps(shop: Shop, alerted: bool) -> Steps:
    """Added: there is an account. Called: a genuine callback came of a gateway's own. Tested: one came through. Handed
    in: the shop hands in orders. Alerted: somebody hears that callbacks wait.
    """
    came = latest_of(select(Callback.id, Callback.state, Callback.verdict), Callback.shop_id == shop.id)
    called = select(came.c.id).where(came.c.verdict == Verdict.genuine, ~_sent_by_us(came.c.id))
    tested = called.where(came.c.state == State.processed)
    ours = select(Activity.id).where(Activity.order_id == Order.id, Activity.verb == TEST).exists()
    handed_in = select(Order.id).where(Order.shop_id == shop.id, ~ours)
    return Steps(bool(shop.accounts), _any(called), _any(tested), _any(handed_in), alerted)


def _any(rows: Select[*tuple[Any, ...]]) -> bool:
    return db.session.scalar(select(rows.exists())) is True


def _sent_by_us(callback_id: ColumnElement[int]) -> ColumnElement[bool]:
    return select(Activity.id).where(Activity.callback_id == callback_id, Activity.verb == TEST).exists()
