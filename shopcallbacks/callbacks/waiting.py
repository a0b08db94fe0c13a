"""What waits on an order, and is looked at again when the order has changed: as it was kept, asking nobody."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Row, all_, bindparam, or_, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY

from ..clock import NOW
from ..domain.errors import Conflict, Reason
from ..domain.money import AGAIN, OrderFacts, holds_back
from ..domain.states import BY_A_PERSON, AttemptKind, State
from ..domain.values import Message, Outcome
from ..extensions import db
from ..sets import among
from .attempts import KeptMessage, said
from .callback import CHECKED, Callback
from .due import Due, kept_of


@dataclass(frozen=True)
class Keys:
    """By what a message may wait on an order: its id, its number, or an id of one of its payments."""

    orders: frozenset[int]
    numbers: frozenset[str]
    ids: frozenset[str]

    @classmethod
    def of(cls, order_id: int, facts: OrderFacts) -> Keys:
        ids = frozenset(id_ for payment in facts.payments for id_ in payment.transactions if id_ is not None)
        return cls(frozenset((order_id,)), frozenset((facts.number,)), ids)

    def __or__(self, other: Keys) -> Keys:
        return Keys(self.orders | other.orders, self.numbers | other.numbers, self.ids | other.ids)


NO_KEYS = Keys(frozenset(), frozenset(), frozenset())


@dataclass(frozen=True)
class Waiting:
    """A callback that waits, with its messages; and whether it is ours to decide, or another's just now."""

    due: Due
    ours: bool


def waiting_on(shop_ids: Collection[int], keys: Keys, but: Collection[int], *, lock: bool) -> list[Waiting]:
    """The callbacks of which a message waits on one of these, but for those; in the order of their arrival.

    Locked where nobody else has them: who has one decides it when we have committed, and is not waited for.
    """
    of = {"shops": list(shop_ids), "but": list(but), **by(keys)}
    rows = db.session.execute(_WAITING, of).all()
    if not rows:
        return []
    ours = _locked([row.id for row in rows]) if lock else {row.id: row.version for row in rows}
    kept = kept_of([row.id for row in rows])
    return [
        Waiting(_due(row, kept.get(row.id, {})), ours.get(row.id) == row.version and row.due_kind not in BY_A_PERSON)
        for row in rows
    ]


def by(keys: Keys) -> dict[str, list[Any]]:
    """What a statement with `WAITS` or `ABOUT` asks for."""
    return {"orders": sorted(keys.orders), "numbers": sorted(keys.numbers), "names": sorted(keys.ids)}


_came, _told = Callback.__table__.c, KeptMessage.__table__.c
# Each arm has an index of what waits, and of nothing else.
WAITS = _told.reason.is_not(None) & or_(
    among(_told.order_id, "orders"),
    among(_told.order_number, "numbers"),
    among(_told.transaction_id, "names"),
    among(_told.carries_on, "names"),
)
# Of these what is not about another order: the same id may be another payment's at another account.
ABOUT = WAITS & or_(
    among(_told.order_id, "orders"),
    _told.order_id.is_(None) & or_(_told.order_number.is_(None), among(_told.order_number, "numbers")),
)
_COLUMNS = (
    "id shop_id account_id received_at digest version attempt_count tries verdict reason conflict detail due_kind "
    "assigned_id delivery_id"
).split()
_WAITING = (
    select(*(_came[name] for name in _COLUMNS))
    .where(
        _came.id.in_(select(_told.callback_id).where(WAITS)),
        among(_came.shop_id, "shops"),
        _came.id != all_(bindparam("but", type_=ARRAY(BigInteger))),
        _came.state == State.unprocessed,
        _came.verdict.in_(CHECKED),
    )
    .order_by(_came.received_at, _came.id)
)


def lost(after: int, limit: int) -> tuple[int, list[Due]]:
    """The next callbacks behind that id that did not find their order and are not due now. The last id looked at, 0 for
    none, and those of them that still wait for nothing else.
    """
    ids = db.session.scalars(_NOT_FOUND, {"after": after, "limit": limit}).all()
    rows = db.session.execute(_STILL_LOST, {"ids": ids}).all() if ids else []
    kept = kept_of([row.id for row in rows])
    return max(ids, default=0), [_due(row, kept.get(row.id, {})) for row in rows]


_NOT_FOUND = (
    select(_told.callback_id)
    .where(text("reason = 'order_not_found'"), _told.callback_id > bindparam("after"))
    .order_by(_told.callback_id)
    .limit(bindparam("limit"))
)
_STILL_LOST = select(*(_came[name] for name in _COLUMNS)).where(
    among(_came.id, "ids"),
    _came.state == State.unprocessed,
    _came.reason == Reason.order_not_found,
    _came.verdict.in_(CHECKED),
    or_(_came.due_at.is_(None), _came.due_at > NOW),
)


def _locked(ids: Sequence[int]) -> dict[int, int]:
    """Their versions, by id; those that others have are not there."""
    rows = db.session.execute(
        select(Callback.id, Callback.version)
        .where(Callback.id.in_(ids), Callback.state == State.unprocessed)
        .order_by(Callback.id)
        .with_for_update(of=Callback, skip_locked=True, key_share=True)
    )
    return {row.id: row.version for row in rows}


def _due(row: Row[Any], kept: dict[int, Row[Any]]) -> Due:
    return Due(
        row.id,
        row.shop_id,
        row.account_id,
        row.received_at,
        None,
        row.digest,
        row.version,
        row.attempt_count,
        row.tries,
        AttemptKind.automatic,
        row.verdict,
        row.reason,
        row.conflict,
        row.detail,
        assigned_id=row.assigned_id,
        delivery_id=row.delivery_id,
        kept=kept,
    )


def wake(shop_id: int, keys: Keys) -> bool:
    """The order has changed: what waits on it is due at once, in the lane where nobody is asked. Whether any is.

    Who moves the order holds it, so callbacks that others hold are left alone: they are decided behind our commit.
    """
    return _wake(_WAIT, {"shop_id": shop_id, **by(keys)})


def wake_lost(shop_id: int, keys: Keys) -> bool:
    """The same of those only that did not find their order: behind the commit that brought it."""
    return _wake(_LOST, {"shop_id": shop_id, **by(keys)})


def wake_these(ids: Collection[int]) -> bool:
    return bool(ids) and _wake(_THESE, {"ids": list(ids)})


def _asleep(*which: ColumnElement[bool]) -> Any:
    """Those of them that wait and are not in the hands of a person, locked."""
    return (
        select(_came.id)
        .where(
            *which,
            _came.state == State.unprocessed,
            _came.verdict.in_(CHECKED),
            or_(_came.due_kind.is_(None), _came.due_kind == AttemptKind.automatic),
        )
        .order_by(_came.id)
        .with_for_update(of=Callback.__table__, skip_locked=True, key_share=True)
    )


# As `looked_at_again` says it of one.
_AGAIN = or_(_told.reason.in_(sorted(AGAIN)), _told.conflict == Conflict.which_payment)
_of_shop = _came.shop_id == bindparam("shop_id")
_WAIT = _asleep(_of_shop, _came.id.in_(select(_told.callback_id).where(WAITS, _AGAIN)))
_LOST = _asleep(_of_shop, _came.id.in_(select(_told.callback_id).where(WAITS, _told.reason == Reason.order_not_found)))
_THESE = _asleep(among(_came.id, "ids"))


def _wake(asleep: Any, values: dict[str, Any]) -> bool:
    found = db.session.scalars(asleep, values).all()
    if not found:
        return False
    db.session.execute(
        update(Callback)
        .where(Callback.id.in_(found))
        .values(due_at=NOW, due_kind=AttemptKind.automatic, asks=False, leased_until=None),
        execution_options={"synchronize_session": False},
    )
    return True


def other_paid(shop_id: int, keys: Keys) -> list[Message]:
    """What waits of money that came in for the order: also of what found no order yet, but not of what is another's."""
    rows = db.session.execute(
        select(*KeptMessage.__table__.c)
        .join(Callback, Callback.id == KeptMessage.callback_id)
        .where(ABOUT, Callback.shop_id == shop_id, Callback.state == State.unprocessed)
        .where(Callback.verdict.in_(CHECKED)),
        by(keys),
    )
    return [said(row) for row in rows if holds_back(row.reason, said(row))]


def ended_early(account_id: int, keys: Keys, since: datetime, until: datetime) -> Iterable[Message]:
    """What was told of ended tries between an early `pending` and the moment its order was first handed in."""
    rows = db.session.execute(
        select(*KeptMessage.__table__.c)
        .join(Callback, Callback.id == KeptMessage.callback_id)
        .where(
            KeptMessage.account_id == account_id,
            or_(KeptMessage.order_id.in_(keys.orders), KeptMessage.order_number.in_(keys.numbers)),
            KeptMessage.outcome.in_((Outcome.failed, Outcome.cancelled)),
            Callback.received_at > since,
            Callback.received_at < until,
        )
    )
    return [said(row) for row in rows]
