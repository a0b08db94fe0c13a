"""What is due: claimed by one worker at a time, fairly between the gateway accounts.

By the database's clock: those of the hosts may differ, and what one takes for now may lie ahead for another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Text, TextualSelect, column, select, text, update

from ..clock import NOW
from ..domain.errors import CallbackFailed, Conflict, Reason
from ..domain.states import AttemptKind
from ..domain.values import Request, Verdict
from ..extensions import db, must_not_stand_still
from ..look import ANEW, Look
from ..sets import among
from ..shops.users import User
from .attempts import KeptMessage
from .callback import CHECKED, NOTHING_MORE, Callback, More
from .months import Month
from .requests import requests_of


@dataclass(frozen=True)
class Due:
    """A callback as it is when an attempt of it is made. `request` None: only what it said can be decided once more.

    `kept`: its messages that a former attempt kept, by place. `by_id`, `by`, `why`: the person who asked for the
    attempt; `minor`, `transaction`: what they said with it; `assigned_id`: the order that a person assigned it to.
    """

    id: int
    shop_id: int
    account_id: int
    received_at: datetime
    request: Request | None
    digest: bytes
    version: int
    attempt_count: int
    tries: int
    kind: AttemptKind
    verdict: Verdict | None
    reason: Reason | None
    conflict: Conflict | None
    detail: str
    by_id: int | None = None
    by: str = ""
    why: str | None = None
    minor: int | None = None
    transaction: str | None = None
    assigned_id: int | None = None
    delivery_id: str | None = None
    asks: bool = False
    kept: Mapping[int, Row[Any]] = field(default_factory=dict)

    @property
    def checked(self) -> bool:
        """A former attempt found it genuine, or a person skipped the check, and kept what it says."""
        return bool(self.kept) and self.verdict in CHECKED

    @property
    def month(self) -> Month:
        """It came in."""
        return Month.of(self.received_at)

    @property
    def failure(self) -> CallbackFailed | None:
        """Why it waits."""
        return CallbackFailed(self.reason, self.detail, self.conflict) if self.reason else None


_came, _users = Callback.__table__.c, User.__table__.c
_PLAIN = (
    "id shop_id account_id received_at digest version attempt_count tries due_kind verdict reason conflict detail "
    "asked_by_id asked_why asked_minor asked_transaction assigned_id delivery_id asks"
).split()
_THESE = (
    select(*(_came[name] for name in _PLAIN), _users.name.label("asked_by_name"))
    .outerjoin(User.__table__, _users.id == _came.asked_by_id)
    .where(among(_came.id, "ids"), _came.due_at.is_not(None))
    .with_for_update(of=Callback.__table__, skip_locked=True, key_share=True)
)


def claim(limit: int) -> list[Due]:
    """The next due callbacks for which nobody is asked, locked until the transaction ends; others skip them.

    Each account that has any gets its share, so that a flood of one holds up no other: the longest due first. Where
    that waits for more than a minute, a quarter of the share is from the newest end, so that what comes now need not
    wait for all that a down-time left behind.
    """
    return _as_due(_next(_FAIR, asks=False, limit=limit))


def claim_of_few(limit: int) -> tuple[list[Due], bool]:
    """The same of the accounts alone that have no more than a few due: they need not wait until the many of another
    are done. And whether there is more that is due.
    """
    rows = _next(_OF_FEW, asks=False, limit=limit, few=FEW)
    found = [row for row in rows if row.id is not None]
    return _as_due(found), len(found) < len(rows) or len(rows) == limit


def claim_these(ids: Sequence[int]) -> list[Due]:
    """Those of them that are still due and nobody has."""
    return _as_due(db.session.execute(_THESE, {"ids": list(ids)}).all()) if ids else []


def claim_one(id_: int) -> Due | None:
    """This one, if it is still due and nobody has it."""
    return next(iter(claim_these([id_])), None)


def lease(limit: int, shares: Mapping[int, int], usual: int, seconds: float) -> list[Due]:
    """The next due callbacks whose gateway is asked: ours for that long, then anybody's again.

    `shares`: how many an account may have more, where that is not the usual number.
    """
    accounts, more = list(shares), list(shares.values())
    found = _as_due(_next(_SHARED, asks=True, limit=limit, usual=usual, accounts=accounts, shares=more))
    if found:
        ids = [due.id for due in found]
        leased = update(Callback).where(Callback.id.in_(ids)).values(leased_until=NOW + timedelta(seconds=seconds))
        db.session.execute(leased, execution_options={"synchronize_session": False})
    return found


def renew_lease(ids: Iterable[int], seconds: float) -> None:
    """Still ours for that long."""
    db.session.execute(
        update(Callback)
        .where(Callback.id.in_(list(ids)), Callback.leased_until.is_not(None))
        .values(leased_until=NOW + timedelta(seconds=seconds)),
        execution_options={"synchronize_session": False},
    )


_DUE = "asks = :asks AND due_at <= statement_timestamp()"
# The accounts that have something due, found by jumping from one to the next in the index (asks, account_id, due_at).
_ACCOUNTS = f"""
WITH RECURSIVE accounts AS (
    (SELECT account_id FROM callbacks WHERE {_DUE} ORDER BY account_id LIMIT 1)
    UNION ALL
    SELECT (
        SELECT account_id FROM callbacks
        WHERE {_DUE} AND account_id > accounts.account_id ORDER BY account_id LIMIT 1
    ) FROM accounts WHERE accounts.account_id IS NOT NULL
), busy AS (SELECT account_id FROM accounts WHERE account_id IS NOT NULL)
"""
_FREE = "(leased_until IS NULL OR leased_until < statement_timestamp())"
_OF_ACCOUNT = f"""
    SELECT {", ".join(_PLAIN)}, due_at FROM callbacks
    WHERE {_DUE} AND account_id = busy.account_id AND {_FREE}"""
BEHIND_S = 60
_LOCK = "FOR NO KEY UPDATE SKIP LOCKED"


# The first that are due are found by walking along the index. The statistics are of the time before a flood: by them so
# few are due that it is as well to read all of them, or all that the account ever had, and sort them.
_WALK = "enable_sort", "enable_bitmapscan"
_WALKED = ", ".join(f"set_config('{name}', 'on', true)" for name in _WALK)


def _claimed(due: str) -> TextualSelect:
    """The rows that it locks, just as they were locked, with the name of who asked for the attempt. Once they are
    found, plans are made as ever again.
    """
    names = ", ".join(f"due.{name}" for name in _PLAIN)
    sent = f"{_ACCOUNTS} SELECT {names}, users.name AS asked_by_name, (SELECT concat({_WALKED})) AS walked {due}"
    return text(sent).columns(*(column(name, _came[name].type) for name in _PLAIN), column("asked_by_name", Text))


_ASKED_BY = "LEFT JOIN users ON users.id = due.asked_by_id"
# Of each account its oldest, and where they have waited for long a quarter of its share from the newest end; then turn
# by turn, so that the limit cuts off no account because another has waited longer.
_FAIR = _claimed(
    f"""
FROM busy, (SELECT greatest(:limit / (SELECT count(*) FROM busy), 1) AS most) AS share, LATERAL (
    SELECT CASE WHEN due_at < statement_timestamp() - interval '{BEHIND_S} s' THEN share.most / 4 ELSE 0 END AS newest
    FROM ({_OF_ACCOUNT} ORDER BY due_at, id LIMIT 1) AS longest
) AS part, LATERAL (
    SELECT *, row_number() OVER (ORDER BY due_at, id) AS turn FROM (
        SELECT * FROM ({_OF_ACCOUNT} ORDER BY due_at, id LIMIT share.most - part.newest {_LOCK}) AS oldest
        UNION
        SELECT * FROM ({_OF_ACCOUNT} ORDER BY due_at DESC, id DESC LIMIT part.newest {_LOCK}) AS newest
    ) AS both_ends
) AS due {_ASKED_BY} ORDER BY turn, due_at, due.id LIMIT :limit
"""
)
FEW = 10
# An account that has many is a row without an id.
_OF_FEW = _claimed(
    f"""
FROM busy, LATERAL (
    SELECT count(*) > :few AS many FROM ({_OF_ACCOUNT} ORDER BY due_at LIMIT :few + 1) AS counted
) AS has LEFT JOIN LATERAL ({_OF_ACCOUNT} AND NOT has.many ORDER BY due_at, id LIMIT :few {_LOCK}) AS due ON true
{_ASKED_BY} WHERE has.many OR due.id IS NOT NULL
ORDER BY due_at, due.id LIMIT :limit
"""
)
_SHARED = _claimed(
    f"""
FROM busy LEFT JOIN unnest(CAST(:accounts AS bigint[]), CAST(:shares AS bigint[])) AS own (account, share)
    ON own.account = busy.account_id, LATERAL (
    SELECT *, row_number() OVER (ORDER BY due_at, id) AS turn FROM (
        {_OF_ACCOUNT} ORDER BY due_at, id LIMIT coalesce(own.share, :usual) {_LOCK}
    ) AS oldest
) AS due {_ASKED_BY} ORDER BY turn, due_at, due.id LIMIT :limit
"""
)


def _next(claimed: TextualSelect, **parameters: Any) -> Sequence[Row[Any]]:
    must_not_stand_still(**dict.fromkeys(_WALK, "off"))
    return db.session.execute(claimed, parameters).all()


def as_due(callbacks: Sequence[Callback], kind: AttemptKind, more: More, look: Look) -> list[Due]:
    """As if an attempt of that kind were due of them; in the order of arrival."""
    Callback.read_requests(callbacks)
    return _in_order(callbacks, {one.id: one.request for one in callbacks}, kind, more, look)


def asked_of(callbacks: Sequence[Callback], kind: AttemptKind, user: User, why: str) -> list[Due]:
    """An attempt of that kind is asked for of each, by that user: to be made here and now, of callbacks we hold."""
    due = as_due(callbacks, kind, NOTHING_MORE, ANEW)
    return [replace(one, by_id=user.id, by=user.name, why=why) for one in due]


def _as_due(rows: Sequence[Any]) -> list[Due]:
    """The rows with their requests."""
    return _in_order(rows, requests_of([(row.id, row.received_at) for row in rows])) if rows else []


def _in_order(
    rows: Sequence[Any],
    came: Mapping[int, Request | None],
    kind: AttemptKind | None = None,
    more: More = NOTHING_MORE,
    look: Look = ANEW,
) -> list[Due]:
    """The rows (or callbacks), in the order of arrival, with the messages that former attempts kept."""
    kept = look(kept_of, tuple(row.id for row in rows if row.attempt_count))
    found = [_due(row, came.get(row.id), kept.get(row.id, {}), kind, more) for row in rows]
    return sorted(found, key=lambda due: (due.received_at, due.id))


def _due(row: Any, request: Request | None, kept: Mapping[int, Row[Any]], kind: AttemptKind | None, more: More) -> Due:
    return Due(
        row.id,
        row.shop_id,
        row.account_id,
        row.received_at,
        request,
        row.digest,
        row.version,
        row.attempt_count,
        row.tries,
        kind or row.due_kind or AttemptKind.automatic,
        row.verdict,
        row.reason,
        row.conflict,
        row.detail,
        row.asked_by_id,
        row.asked_by_name or "",
        row.asked_why,
        more.minor if kind else row.asked_minor,
        more.transaction if kind else row.asked_transaction,
        more.order.id if more.order else row.assigned_id,
        row.delivery_id,
        row.asks,
        kept,
    )


_KEPT = select(KeptMessage.__table__).where(among(KeptMessage.__table__.c.callback_id, "ids"))


def kept_of(ids: Sequence[int]) -> dict[int, dict[int, Row[Any]]]:
    """The kept messages of the callbacks, by their place."""
    if not ids:
        return {}
    found: dict[int, dict[int, Row[Any]]] = {}
    for row in db.session.execute(_KEPT, {"ids": list(ids)}):
        found.setdefault(row.callback_id, {})[row.place] = row
    return found
