"""A callback as a row of the panel tells it: why it waits or what came of it, and what can be done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ..callbacks.attempts import Attempt
from ..callbacks.callback import Callback
from ..callbacks.claims import Claim
from ..callbacks.notes import Thread, threads_of
from ..domain.errors import Reason
from ..domain.states import BY_A_PERSON, State
from ..processing.foresight import WORTH_A_RETRY, forcing_may_help, reopening_may_help
from ..shops.acts import Activity
from ..shops.users import User
from ..words import acts, outcomes, reasons
from ..words.formats import Format, age
from ..words.masking import mask
from . import headline
from .moved import mark_of


@dataclass(frozen=True)
class Row:
    """Told to `viewer`, whose own acts are "you"."""

    callback: Callback
    last: Attempt | None
    act: Activity | None
    viewer: User | None
    now: datetime
    claim: Claim | None = None
    notes: Thread | None = None

    @property
    def busy(self) -> bool:
        """Something is open on it that ends by itself in a moment: look again soon."""
        return self.callback.due_kind in BY_A_PERSON or (
            self.callback.state is State.received and not self.callback.stuck
        )

    @property
    def mark(self) -> str:
        """What an open page saw of it; another one once it has moved on (see `following`)."""
        return mark_of(self.callback.id, self.callback.version, self.notes, self.claim, self.now)

    @property
    def tone(self) -> str:
        if self.busy:
            return "working"
        return {State.processed: "done", State.invalid: "gone"}.get(self.callback.state, "")

    @property
    def dot(self) -> str:
        if self.busy:
            return "blue"
        if self.callback.state is State.processed:
            return "green"
        if self.callback.state is State.invalid:
            return "secondary"
        return reasons.REASONS[self.callback.reason].dot if self.callback.reason else "red"

    @property
    def headline(self) -> str:
        if self.callback.due_kind in BY_A_PERSON:
            return f"{acts.UNDER_WAY[self.callback.due_kind]}\N{HORIZONTAL ELLIPSIS}"
        return headline.headline(self.callback)

    @property
    def line(self) -> str:
        """What is known beyond the headline."""
        callback = self.callback
        if self.busy:
            return self._open_line()
        if callback.state is State.received:
            return f"no worker has taken it for {age(callback.received_at, self.now)}; nothing is lost"
        if callback.state is State.processed:
            return self._processed_line()
        if callback.state is State.invalid:
            return self._act_line("marked as invalid")
        return self._unprocessed_line()

    @property
    def said(self) -> str:
        """The result, for whoever listens: "Order 251123-26 opened"."""
        callback = self.callback
        if callback.state is State.processed and callback.effect in outcomes.RESULTS and callback.order_number:
            return outcomes.RESULTS[callback.effect].format(number=callback.order_number)
        return mask(f"{self.headline}. {self.line}")

    @property
    def step(self) -> str | None:
        """The one next step, where there is one and it is not a retry."""
        callback = self.callback
        if callback.state is not State.unprocessed or self.busy or callback.reason is None:
            return None
        step = reasons.REASONS[callback.reason].step
        return step if step != reasons.RETRY else None

    def may(self, verb: str) -> bool:
        """Whether its row has the verb's button: the state allows it, and it can help."""
        if verb not in self.callback.open_to or self.viewer is None or not self.viewer.may_act:
            return False
        if verb == "retry":
            return self.callback.reason in WORTH_A_RETRY
        if verb == "reopen":
            return reopening_may_help(self.callback)
        return verb != "force" or forcing_may_help(self.callback)

    def who(self, user: User | None) -> str:
        if user is not None and self.viewer is not None and user.id == self.viewer.id:
            return "you"
        return user.name if user else "the command line"

    @property
    def format(self) -> Format:
        """The viewer's."""
        zone = self.callback.account.shop.time_zone
        return self.viewer.prefers.format(zone) if self.viewer else Format(zone)

    @property
    def on_it(self) -> str:
        return self.claim.told(self.viewer, self.now) if self.claim else ""

    def _clock(self, at: datetime) -> str:
        return self.format.moment(at, self.now)

    def _open_line(self) -> str:
        callback = self.callback
        if callback.due_kind in BY_A_PERSON and callback.asked_at:
            return f"asked by {self.who(callback.asked_by)} {age(callback.asked_at, self.now)} ago"
        return f"received {age(callback.received_at, self.now)} ago"

    def _processed_line(self) -> str:
        last = self.last
        if last is None:
            return ""
        at = self._clock(last.at)
        if last.kind in BY_A_PERSON:
            done = f"{acts.TRIED[last.kind]} by {self.who(last.asked_by)}, {at}"
            return done + (f": {last.why}" if last.why else "")
        return f"by itself, {at}" + (f", attempt {last.number}" if last.number > 1 else "")

    def _act_line(self, done: str) -> str:
        act = self.act
        if act is None:
            return done
        return f"{done} by {self.who(act.user)}, {self._clock(act.at)}" + (f": {act.why}" if act.why else "")

    def _unprocessed_line(self) -> str:
        callback, detail = self.callback, self.callback.detail.rstrip(".")
        if callback.due_at is not None:
            wait = age(self.now, callback.due_at)
            return f"next try by itself in {wait}" + (f"; {detail}" if detail else "")
        if (
            callback.reason is Reason.order_conflict
            and detail.startswith(headline.headline(callback))
            and callback.order
        ):
            state = outcomes.ORDER_STATES[callback.order.state]
            return f"order {state} since {self._clock(callback.order.changed_at)}"
        if callback.attempt_count > 1 and self.last and callback.reason in WORTH_A_RETRY:
            return f"{callback.attempt_count} attempts, last {self._clock(self.last.at)}: {detail}"
        return detail


def rows_of(callbacks: Iterable[Callback], viewer: User | None, now: datetime) -> list[Row]:
    """The rows, with what was last tried, done and noted about each, and who is on it."""
    callbacks = list(callbacks)
    ids = [callback.id for callback in callbacks]
    attempts = Attempt.last_of(ids)
    acts = Activity.last_of(callback.id for callback in callbacks if callback.state is State.invalid)
    claims, notes = Claim.of(ids), threads_of(ids)
    return [
        Row(
            callback,
            attempts.get(callback.id),
            acts.get(callback.id),
            viewer,
            now,
            claims.get(callback.id),
            notes.get(callback.id),
        )
        for callback in callbacks
    ]
