"""Bulk runs: one verb done to many callbacks in the background, and what came of each."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, Select, and_, func, insert, literal, select, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..callbacks.callback import Callback
from ..clock import utcnow
from ..domain.errors import Refused
from ..domain.states import Effect, Verb
from ..domain.values import Money
from ..extensions import Base, db, locked
from ..shops.accounts import Shop
from ..shops.acts import Activity
from ..shops.users import User
from ..words.formats import PLAIN
from .selection import Selection

STOP_SHARE = 50  # per cent
_OPEN = text("state = 'running' OR asked > 0")


class RunState(StrEnum):
    """`stopped`: by itself, because too many failed."""

    running = "running"
    paused = "paused"
    stopped = "stopped"
    cancelled = "cancelled"
    done = "done"


class ItemState(StrEnum):
    """`asked`: its attempt is to come; `skipped`: the verb could not be done to it."""

    waiting = "waiting"
    asked = "asked"
    succeeded = "succeeded"
    failed = "failed"
    skipped = "skipped"


class BulkRun(Base):
    """Who wants what done to how many, why, and how far it is. What it is about never changes.

    `stop_share`: where more than so many per cent fail it stops by itself. `stage`, with what was tried and failed in
    it: see `steps.STAGES`. `came`: how many came to what, by state and result; `opened`: the sums of the orders that
    they opened, by currency; a former release kept neither. `since` and `since_done`: the stretch that the rate is
    taken from, begun anew on each resumption.
    """

    __tablename__ = "bulk_runs"
    __table_args__ = (
        Index("ix_bulk_runs_shop", "shop_id", "id"),
        Index("ix_bulk_runs_open", "id", postgresql_where=_OPEN),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    verb: Mapped[Verb]
    why: Mapped[str]
    filter: Mapped[str]
    total: Mapped[int] = mapped_column(default=0)
    stop_share: Mapped[int] = mapped_column(default=STOP_SHARE)
    undoes_id: Mapped[int | None] = mapped_column(ForeignKey("bulk_runs.id"))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    # how far it is
    state: Mapped[RunState] = mapped_column(default=RunState.running)
    stopped_why: Mapped[str] = mapped_column(default="")
    asked: Mapped[int] = mapped_column(default=0)
    succeeded: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    skipped: Mapped[int] = mapped_column(default=0)
    came: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    opened: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    stage: Mapped[int] = mapped_column(default=0)
    stage_tried: Mapped[int] = mapped_column(default=0)
    stage_failed: Mapped[int] = mapped_column(default=0)
    since: Mapped[datetime] = mapped_column(default=utcnow)
    since_done: Mapped[int] = mapped_column(default=0)
    finished_at: Mapped[datetime | None]

    shop: Mapped[Shop] = relationship()
    user: Mapped[User] = relationship()

    # a person's verbs

    @classmethod
    def start(
        cls, shop: Shop, user: User, verb: Verb, selection: Selection, why: str, stop_share: int = STOP_SHARE
    ) -> BulkRun:
        """A new one, its callbacks written down; `Refused` with a sentence where it can't be."""
        if verb.needs_why and not why:
            raise Refused("Say why: the reason is kept with your name.")
        if selection.left_out:
            raise Refused(" ".join(selection.left_out))
        about = selection.filter.query if selection.ids is None else ""
        run = cls(shop=shop, user=user, verb=verb, why=why, filter=about, stop_share=min(max(stop_share, 1), 100))
        places = func.row_number().over(order_by=(Callback.received_at, Callback.id))
        return run._begin(select(places, Callback.id).where(*selection.where(verb, shop)))

    def was_the_last(self, act: Activity | None) -> bool:
        """Of an undo: whether nothing came after what the run that it undoes did to the callback."""
        return act is not None and act.what == _name(self.undoes_id)

    def undo(self, user: User) -> BulkRun:
        """A new one that takes back what this one did."""
        opposite = self.verb.opposite
        if opposite is None or not self.succeeded:
            raise Refused("There is nothing in this run that could be undone.")
        if (undoing := self.undone_by) is not None:
            raise Refused(f"There is an undo of this run already: {undoing.name}, which is {undoing.state}.")
        why = f"Undo of bulk run {self.id}"
        run = BulkRun(shop=self.shop, user=user, verb=opposite, why=why, filter="", undoes_id=self.id)
        return run._begin(
            select(BulkItem.place, BulkItem.callback_id).where(
                BulkItem.run_id == self.id, BulkItem.state == ItemState.succeeded
            )
        )

    @property
    def undone_by(self) -> BulkRun | None:
        """The latest run that takes it back or has; one that was cancelled may have left something."""
        of_shop = and_(BulkRun.shop_id == self.shop_id, BulkRun.id > self.id)
        takes_back = and_(BulkRun.undoes_id == self.id, BulkRun.state != RunState.cancelled)
        return db.session.scalar(select(BulkRun).where(of_shop, takes_back).order_by(BulkRun.id.desc()).limit(1))

    def _begin(self, found: Select[int, int]) -> BulkRun:
        """Writes down its callbacks: all in one statement, so that what comes or goes meanwhile changes nothing."""
        db.session.add(self)
        db.session.flush()
        items = found.add_columns(literal(self.id), literal(ItemState.waiting, BulkItem.state.type))
        writing = insert(BulkItem).from_select(["place", "callback_id", "run_id", "state"], items)
        counted = writing.execution_options(preserve_rowcount=True)
        self.total = db.session.connection().execute(counted).rowcount
        if not self.total:
            raise Refused("Nothing is selected, or it has all moved on since you looked.")
        self._act(f"bulk {self.verb}", self.user, f"{self.name}: {PLAIN.counted(self.total, 'callback')}", self.why)
        return self

    def pause(self, user: User) -> None:
        self._guard("paused", RunState.running)
        self.state = RunState.paused
        self._act("pause bulk", user, self.name)

    def resume(self, user: User) -> None:
        """Goes on; after it had stopped by itself, with the next stage and a clean sheet."""
        self._guard("resumed", RunState.paused, RunState.stopped)
        if self.state is RunState.stopped:
            self.enter(self.stage + 1)
            self.stopped_why = ""
        self.state = RunState.running
        self.since, self.since_done = utcnow(), self.done
        self._act("resume bulk", user, self.name)

    def cancel(self, user: User) -> None:
        """Ends it. What was done stays done, the rest is left as it is."""
        self._guard("cancelled", RunState.running, RunState.paused, RunState.stopped)
        self.end(RunState.cancelled)
        self._act("cancel bulk", user, self.name)

    def _guard(self, past: str, *states: RunState) -> None:
        if self.state not in states:
            raise Refused(f"This run is {self.state}; it can't be {past}.")

    def _act(self, verb: str, user: User, what: str, why: str = "") -> None:
        Activity.record(verb, user, shop_id=self.shop_id, why=why, what=what)

    # how it goes on

    def close(
        self,
        item: BulkItem,
        state: ItemState,
        result: str,
        detail: str = "",
        effect: Effect | None = None,
        opened: Money | None = None,
    ) -> None:
        """What came of one of them, counted. `opened`: the sum of the order that it opened."""
        item.state, item.result, item.detail, item.effect, item.at = state, result, detail, effect, utcnow()
        alike = self.came.get(state, {})
        self.came = {**self.came, state: {**alike, result: alike.get(result, 0) + 1}}
        if opened is not None:
            self.opened = {**self.opened, opened.currency: self.opened.get(opened.currency, 0) + opened.minor}
        match state:
            case ItemState.succeeded:
                self.succeeded += 1
                self.stage_tried += 1
            case ItemState.failed:
                self.failed += 1
                self.stage_tried += 1
                self.stage_failed += 1
            case ItemState.skipped:
                self.skipped += 1

    def enter(self, stage: int) -> None:
        self.stage, self.stage_tried, self.stage_failed = stage, 0, 0

    def end(self, state: RunState) -> None:
        self.state, self.finished_at = state, utcnow()

    def stop(self, why: str) -> None:
        self.state, self.stopped_why = RunState.stopped, why

    # what can be seen

    @property
    def name(self) -> str:
        return _name(self.id)

    @property
    def done(self) -> int:
        return self.succeeded + self.failed + self.skipped

    @property
    def left(self) -> int:
        return self.total - self.done

    @property
    def waiting(self) -> int:
        return self.left - self.asked

    @property
    def moving(self) -> bool:
        """Worth looking again in a moment."""
        return self.state is RunState.running or self.asked > 0

    @property
    def added_up(self) -> bool:
        """Whether `came` is about all that was done."""
        return bool(sum(sum(alike.values()) for alike in self.came.values()) == self.done)

    def rate(self, now: datetime) -> float:
        """Callbacks a second, over the present stretch."""
        seconds = ((self.finished_at or now) - self.since).total_seconds()
        return (self.done - self.since_done) / seconds if seconds > 0 else 0.0

    def time_left(self, now: datetime) -> timedelta | None:
        """None where it can't be told yet."""
        rate = self.rate(now)
        return timedelta(seconds=self.left / rate) if rate > 0 and self.state is RunState.running else None

    # queries

    @classmethod
    def any_open(cls) -> bool:
        return db.session.scalar(select(select(cls.id).where(_OPEN).exists())) is True

    @classmethod
    def open_ids(cls) -> list[int]:
        """Those that go on, or wait for the outcome of what they asked for."""
        return list(db.session.scalars(select(cls.id).where(_OPEN).order_by(cls.id)))

    @classmethod
    def lock(cls, id_: int) -> BulkRun:
        """Its rows can still be written meanwhile."""
        return locked(cls, id_)

    @classmethod
    def lock_if_free(cls, id_: int) -> BulkRun | None:
        """The same; None while another worker has it."""
        how = {"of": cls, "key_share": True, "skip_locked": True}
        return db.session.get(cls, id_, populate_existing=True, with_for_update=how)

    @classmethod
    def of_shop(cls, shop_id: int, before: int | None, limit: int) -> list[BulkRun]:
        """The shop's latest runs, newest first; `before` an id to go on from."""
        wanted = select(cls).where(cls.shop_id == shop_id)
        if before is not None:
            wanted = wanted.where(cls.id < before)
        return list(db.session.scalars(wanted.order_by(cls.id.desc()).limit(limit)))


class BulkItem(Base):
    """One callback of a run, and what came of it. `attempt`: the number of the attempt that was asked for."""

    __tablename__ = "bulk_items"
    __table_args__ = (Index("ix_bulk_items_state", "run_id", "state", "place"),)

    run_id: Mapped[int] = mapped_column(ForeignKey("bulk_runs.id"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True)
    callback_id: Mapped[int] = mapped_column(ForeignKey("callbacks.id"))
    state: Mapped[ItemState]
    attempt: Mapped[int | None]
    effect: Mapped[Effect | None]
    result: Mapped[str | None]
    detail: Mapped[str | None]
    at: Mapped[datetime | None]

    callback: Mapped[Callback] = relationship()

    @property
    def to_come(self) -> bool:
        """What comes of it."""
        return self.state in (ItemState.waiting, ItemState.asked)

    @classmethod
    def next_of(cls, run: BulkRun, limit: int) -> list[BulkItem]:
        """Those that nothing was done to yet."""
        waiting = select(cls).where(cls.run_id == run.id, cls.state == ItemState.waiting)
        return list(db.session.scalars(waiting.order_by(cls.place).limit(limit)))


def _name(id_: int | None) -> str:
    """In the list of acts."""
    return f"bulk run {id_}"
