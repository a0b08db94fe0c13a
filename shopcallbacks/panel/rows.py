"""A callback as a row of the panel tells it: why it waits or what came of it, and what can be done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..callbacks.attempts import Attempt
from ..callbacks.callback import FIRST_OF_TWO, Callback
from ..callbacks.claims import Claim
from ..callbacks.notes import Note, Thread, threads_of
from ..dashboard.pulse import ALIVE_FOR
from ..domain.errors import Reason
from ..domain.states import BY_A_PERSON, OFFERED, RULINGS, AttemptKind, Effect, State, Verb
from ..processing.foresight import FORCE_SKIPS, forcing_may_help, retrying_may_help, ruling_may_help
from ..shops.acts import Activity, last_move
from ..shops.users import Role, User
from ..words import acts, outcomes, reasons
from ..words.formats import Format, age
from ..words.masking import mask
from ..words.reasons import NextStep
from . import headline
from .moved import mark_of


@dataclass(frozen=True)
class Offer:
    """The verbs offered: `first` as buttons, the `rest` in a menu. A menu of one would be no calmer than a button."""

    first: tuple[Verb, ...]
    rest: tuple[Verb, ...]

    @classmethod
    def of(cls, verbs: Iterable[Verb]) -> Offer:
        all_ = tuple(verbs)
        return cls(all_, ()) if len(all_) <= _BUTTONS else cls(all_[: _BUTTONS - 1], all_[_BUTTONS - 1 :])

    def __iter__(self) -> Iterator[Verb]:
        return iter((*self.first, *self.rest))

    @property
    def decides(self) -> bool:
        """Whether one of the buttons ends it by a person's decision."""
        return any(verb in RULINGS.values() for verb in self.first)


_BUTTONS = 3
_WAITS = "waits for the worker"
# So long a row says that a retry was in vain.
JUST_NOW = timedelta(minutes=10)


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
        if self.retried_in_vain:
            return "again"
        return {State.processed: "done", State.invalid: "gone"}.get(self.callback.state, "")

    @property
    def retried_in_vain(self) -> bool:
        """A person had it tried again just now, and it waits on."""
        last = self.last
        return (
            self.callback.state is State.unprocessed
            and not self.busy
            and last is not None
            and last.kind is AttemptKind.retry
            and self.callback.reason is not None
            and last.at > self.now - JUST_NOW
        )

    @property
    def dot(self) -> str:
        if self.busy:
            return "blue"
        if self.callback.state is State.processed:
            return "green"
        if self.callback.state in (State.invalid, State.imported):
            return "secondary"
        return reasons.words_of(self.callback.reason, self.callback.conflict).dot if self.callback.reason else "red"

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
            return f"{_WAITS}, for {age(callback.received_at, self.now)} now; nothing is lost"
        if callback.state is State.imported:
            return callback.detail or "nothing has looked at it; it is processed when you ask for it"
        if callback.state is State.processed:
            return self._processed_line()
        if callback.state is State.invalid:
            return self._act_line("marked as invalid")
        return self._unprocessed_line()

    @property
    def asked_by_viewer(self) -> bool:
        """Whether who looks had it tried last."""
        return self.viewer is not None and self.last is not None and self.last.asked_by_id == self.viewer.id

    @property
    def said(self) -> str:
        """The result, for whoever listens: "Order 251123-26 opened"."""
        callback = self.callback
        if callback.state is State.processed and callback.effect in outcomes.RESULTS and callback.order_number:
            return outcomes.RESULTS[callback.effect].format(number=callback.order_number)
        return mask(f"{self.headline}. {self.line}")

    @property
    def step(self) -> NextStep | None:
        """The one next step, where there is one and it is not a retry."""
        callback = self.callback
        if callback.state is not State.unprocessed or self.busy or callback.reason is None:
            return None
        step = reasons.words_of(callback.reason, callback.conflict).step
        return step if step is not NextStep.retry else None

    @property
    def _may_act(self) -> bool:
        return self.viewer is not None and self.viewer.reaches(Role.manager, self.callback.shop_id)

    def may(self, verb: Verb) -> bool:
        """Whether its row has the verb's button: the state allows it, and it can help."""
        if verb not in self.callback.open_to or not self._may_act:
            return False
        if verb is Verb.retry:
            return retrying_may_help(self.callback.reason)
        if verb is Verb.force:
            return forcing_may_help(self.callback)
        if self.callback.barred(verb, self.viewer):
            return False
        return verb not in RULINGS.values() or ruling_may_help(verb, self.callback)

    @property
    def verbs(self) -> Offer:
        """What can be done about it and may help."""
        return Offer.of(verb for verb in OFFERED if self.may(verb))

    @property
    def barred(self) -> str:
        """What the viewer may not decide, in a sentence; empty where there is nothing."""
        sentences = (self.callback.barred(verb, self.viewer) for verb in self.callback.open_to)
        return next((sentence for sentence in sentences if sentence), "")

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
            asked = f"asked by {self.who(callback.asked_by)} {age(callback.asked_at, self.now)} ago"
            return asked + (f"; {_WAITS}" if self._waits_since(callback.asked_at) else "")
        received = f"received {age(callback.received_at, self.now)} ago"
        return received + (f"; {_WAITS}" if self._waits_since(callback.received_at) else "")

    def _waits_since(self, moment: datetime) -> bool:
        """Longer than a worker that is there lets it, and none has it in hand."""
        leased = self.callback.leased_until is not None and self.callback.leased_until > self.now
        return self.now - moment > ALIVE_FOR and not leased

    def _processed_line(self) -> str:
        if self.callback.effect is Effect.closed:
            return self._act_line("dealt with")
        last = self.last
        if last is None:
            return ""
        at = self._clock(last.at)
        asked = Verb.asking(last.kind)
        if asked is not None and not last.succeeded:
            return self._refused_line(last, asked)
        if asked is not None:
            done = f"{asked.past} by {self.who(last.asked_by)}, {at}"
            return done + (f": {last.why}" if last.why else "")
        return f"by itself, {at}" + (f", attempt {last.number}" if last.number > 1 else "")

    def _refused_line(self, last: Attempt, asked: Verb) -> str:
        """A person's word did not fit: why, as the attempt has it."""
        return f"it could not be {asked.past} by {self.who(last.asked_by)}, {self._clock(last.at)}: {last.detail}"

    def _act_line(self, done: str) -> str:
        act = self.act
        if act is None:
            return done
        return f"{done} by {self.who(act.user)}, {self._clock(act.at)}" + (f": {act.why}" if act.why else "")

    def _unprocessed_line(self) -> str:
        callback, detail, last = self.callback, self.callback.detail.rstrip("."), self.last
        if self.act is not None and self.act.verb == FIRST_OF_TWO:
            who, at = self.who(self.act.user), self._clock(self.act.at)
            return f"{who} asked a second person to force it, {at}: {self.act.why}"
        if self.retried_in_vain:
            assert callback.reason is not None
            account = callback.account
            return f"Tried again: {reasons.still(callback.reason, callback.conflict, account.title, account.asks)}"
        asked = Verb.asking(last.kind) if last else None
        if last and asked in RULINGS.values() and last.reason is callback.reason and last.detail != callback.detail:
            assert asked is not None
            return self._refused_line(last, asked)
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
        if callback.attempt_count > 1 and self.last and retrying_may_help(callback.reason):
            return f"{callback.attempt_count} attempts, last {self._clock(self.last.at)}: {detail}"
        return detail


def told_by_its_act(callback: Callback) -> bool:
    """A person's act tells why it stands as it does: put away, as invalid or as dealt with; or asked to be forced."""
    asked = callback.state is State.unprocessed and callback.reason in FORCE_SKIPS and callback.forced_by_two
    return callback.state is State.invalid or callback.effect is Effect.closed or asked


def rows_of(callbacks: Iterable[Callback], viewer: User | None, now: datetime) -> list[Row]:
    """The rows, with what was last tried, done and noted about each, and who is on it."""
    callbacks = list(callbacks)
    ids = [callback.id for callback in callbacks]
    attempts = Attempt.last_of(ids)
    acts = Activity.last_of(callback.id for callback in callbacks if told_by_its_act(callback))
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


def full_row(
    callback: Callback, viewer: User | None, now: datetime, acts: Iterable[Activity], notes: Sequence[Note]
) -> Row:
    """The row of a callback whose acts and notes are at hand, and all of whose attempts are looked at anyway."""
    last = callback.attempts[-1] if callback.attempts else None
    act = last_move(acts) if told_by_its_act(callback) else None
    thread = Thread(len(notes), notes[-1]) if notes else None
    return Row(callback, last, act, viewer, now, Claim.of([callback.id]).get(callback.id), thread)
