"""The index of what callbacks say, filled behind their arrival.

What is new comes first, then (once, on a database that had callbacks before it had the index) the history, its newest
first. A callback is indexed once it was looked at, or nobody has for a while; and again after each later attempt,
which may have understood more of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Index, and_, exists, func, not_, or_, select, text
from sqlalchemy.dialects.postgresql import TSVECTOR, insert
from sqlalchemy.orm import Mapped, mapped_column

from ...callbacks.attempts import Attempt
from ...callbacks.callback import Callback
from ...callbacks.requests import requests_of
from ...clock import utcnow
from ...domain.states import State
from ...extensions import Base, db
from ...orders.order import Order
from ...shops.accounts import GatewayAccount
from ..hiding import Hider
from .terms import terms, texts_of

BATCH = 250
# So long after it was written, a row is committed: no older one is still to come.
COMMITTED_AFTER = timedelta(seconds=60)
# So long the index waits for callbacks to be processed.
PATIENCE = timedelta(seconds=60)
WEEK, EPOCH = timedelta(days=7), datetime(1970, 1, 1, tzinfo=UTC)


def week_of(moment: datetime) -> int:
    """The number of its week, in UTC: the same for a callback whatever the shop's time zone."""
    return (moment - EPOCH) // WEEK


class SearchEntry(Base):
    """The terms of a callback, each behind its shop and the week it came in. `attempts`: how many it knows of.

    So each week of a shop has a part of the index to itself, and that it holds no such word is soon known.
    The entry names its callback by number only. A foreign key would lock callbacks, and workers skip what is locked.
    """

    __tablename__ = "search_entries"
    __table_args__ = (
        Index(
            "ix_search_entries_terms", "terms", postgresql_using="gin", postgresql_with={"gin_pending_list_limit": 512}
        ),
    )

    shop_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    callback_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    week: Mapped[int]
    attempts: Mapped[int]
    terms: Mapped[Any] = mapped_column(TSVECTOR)

    @classmethod
    def write(cls, ids: Iterable[int]) -> None:
        """Reads the callbacks, and writes down their terms."""
        entries = [
            {
                "callback_id": found.id,
                "shop_id": found.shop_id,
                "week": (week := week_of(found.received_at)),
                "attempts": found.attempts,
                "terms": [f"{found.shop_id}.{week}:{term}" for term in found.terms],
            }
            for found in read_terms(ids)
        ]
        if entries:
            db.session.connection().execute(_WRITE, entries)


@dataclass(frozen=True)
class ReadThrough:
    """A callback, how many attempts there were on it, and the terms it can be found by."""

    id: int
    shop_id: int
    received_at: datetime
    attempts: int
    terms: list[str]


def read_terms(ids: Iterable[int]) -> Iterator[ReadThrough]:
    """The callbacks, read through. What their pages hide is in no term; nor is what is in an archive."""
    understood = (Callback.order_number, Callback.transaction_id, Callback.event_id, Callback.customer)
    rows = db.session.execute(
        select(Callback.id, Callback.shop_id, Callback.received_at, Callback.attempt_count)
        .add_columns(Callback.account_id, *understood, Order.customer_email)
        .outerjoin(Order, Order.id == Callback.order_id)
        .where(Callback.id.in_(list(ids)))
        .order_by(Callback.id)
    ).all()
    came = requests_of([(row.id, row.received_at) for row in rows])
    hiders = {id_: Hider(db.session.get_one(GatewayAccount, id_)) for id_ in {row.account_id for row in rows}}
    for id_, shop_id, received_at, attempts, account_id, *said in rows:
        hide, request = hiders[account_id], came.get(id_)
        texts = list(map(hide, filter(None, said)))
        if request is not None:
            texts += texts_of(request.query, request.body, hide)
        yield ReadThrough(id_, shop_id, received_at, attempts, terms(texts))


_WRITE = text(
    "INSERT INTO search_entries (shop_id, callback_id, week, attempts, terms)"
    " VALUES (:shop_id, :callback_id, :week, :attempts, array_to_tsvector(CAST(:terms AS text[])))"
    " ON CONFLICT (shop_id, callback_id) DO UPDATE SET attempts = excluded.attempts, terms = excluded.terms"
)
INDEXED = exists().where(SearchEntry.shop_id == Callback.shop_id, SearchEntry.callback_id == Callback.id)
_KNOWS_OF_FEWER = exists().where(
    Callback.id == Attempt.callback_id,
    SearchEntry.shop_id == Callback.shop_id,
    SearchEntry.callback_id == Callback.id,
    SearchEntry.attempts < Callback.attempt_count,
)


@dataclass
class Round:
    """A look through what has no entry yet. Each batch goes on behind the one before (`callback` and `attempt`: how far
    that looked), for to pass by all that was read within a minute costs more the more there is of it. What is committed
    late with a lower number is read in the next round.
    """

    callback: int = 0
    attempt: int = 0
    began: datetime = field(default_factory=utcnow)

    def over(self, now: datetime) -> bool:
        """Whatever is left of it: others are not to wait for longer."""
        return now - self.began > COMMITTED_AFTER


class SearchProgress(Base):
    """One row: callbacks up to `upto` have an entry, but for the history up to `history`; so have `attempts` up to it.

    Without the row nothing has been indexed yet.
    """

    __tablename__ = "search_progress"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=1)
    upto: Mapped[int] = mapped_column(default=0)
    history: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)

    @classmethod
    def take(cls) -> SearchProgress | None:
        """The row, locked until the transaction ends; None while another worker has it."""
        db.session.execute(insert(cls).values(id=1, upto=0, history=0, attempts=0).on_conflict_do_nothing())
        return db.session.scalar(
            select(cls).with_for_update(skip_locked=True).execution_options(populate_existing=True)
        )

    def behind(self, now: datetime) -> bool:
        """Whether something has waited so long for its entry that it may wait for nothing else."""
        callback = select(Callback.received_at).where(self._new).order_by(Callback.id).limit(1)
        attempt = select(Attempt.at).where(self._stale).order_by(Attempt.id).limit(1)
        waiting = filter(None, map(db.session.scalar, (callback, attempt)))
        return any(now - since > PATIENCE for since in waiting)

    def fill(self, round_: Round, limit: int = BATCH) -> int:
        """One batch of entries. How many."""
        now = utcnow()
        again = self._read_again(round_, now, limit)
        new = self._read_new(round_, now, limit)
        old = self._read_history(limit) if again + new < limit else 0
        return again + new + old

    @property
    def _new(self) -> ColumnElement[bool]:
        return and_(Callback.id > self.upto, not_(INDEXED))

    @property
    def _stale(self) -> ColumnElement[bool]:
        """Attempts on callbacks whose entries are older."""
        return and_(Attempt.id > self.attempts, _KNOWS_OF_FEWER)

    def _read_new(self, round_: Round, now: datetime, limit: int) -> int:
        wanted = and_(self._new, Callback.id > round_.callback, not_(_too_early(now)))
        ids = db.session.scalars(select(Callback.id).where(wanted).order_by(Callback.id).limit(limit)).all()
        SearchEntry.write(ids)
        open_ = or_(Callback.received_at > now - COMMITTED_AFTER, not_(INDEXED))
        newer = Callback.id > self.upto
        first_open = db.session.scalar(select(Callback.id).where(newer, open_).order_by(Callback.id).limit(1))
        last = db.session.scalar(select(func.max(Callback.id))) or 0
        round_.callback = ids[-1] if len(ids) == limit else last
        self.upto = first_open - 1 if first_open is not None else max(last, self.upto)
        return len(ids)

    def _read_again(self, round_: Round, now: datetime, limit: int) -> int:
        wanted = and_(self._stale, Attempt.id > round_.attempt)
        found = db.session.execute(
            select(Attempt.id, Attempt.callback_id).where(wanted).order_by(Attempt.id).limit(limit)
        ).all()
        ids = {callback_id for _, callback_id in found}
        SearchEntry.write(ids)
        open_ = or_(Attempt.at > now - COMMITTED_AFTER, _KNOWS_OF_FEWER)
        later = Attempt.id > self.attempts
        first_open = db.session.scalar(select(Attempt.id).where(later, open_).order_by(Attempt.id).limit(1))
        last = db.session.scalar(select(func.max(Attempt.id))) or 0
        round_.attempt = found[-1].id if len(found) == limit else last
        self.attempts = first_open - 1 if first_open is not None else max(last, self.attempts)
        return len(ids)

    def _read_history(self, limit: int) -> int:
        if not self.history:
            return 0
        older = select(Callback.id).where(Callback.id <= self.history).order_by(Callback.id.desc()).limit(limit)
        ids = db.session.scalars(older).all()
        SearchEntry.write(ids)
        self.history = ids[-1] - 1 if ids else 0
        return len(ids)


def _too_early(now: datetime) -> ColumnElement[bool]:
    """A worker will look at it in a moment, and know more."""
    return and_(Callback.state == State.received, Callback.received_at > now - COMMITTED_AFTER)


def unread() -> ColumnElement[bool]:
    """Callbacks that have come since, and have no entry yet."""
    upto = db.session.scalar(select(SearchProgress.upto)) or 0
    return and_(Callback.id > upto, not_(INDEXED))


def history_before() -> datetime | None:
    """Of what came before this moment the texts are still being read in; None once that is done."""
    history = select(SearchProgress.history).where(SearchProgress.history > 0).scalar_subquery()
    latest = select(Callback.received_at).where(Callback.id <= history).order_by(Callback.id.desc()).limit(1)
    return db.session.scalar(latest)
