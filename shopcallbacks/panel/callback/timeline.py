"""The story of a callback: its order's events, its arrival, every attempt and every act, in the order they happened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ...callbacks.attempts import Attempt
from ...callbacks.callback import Callback
from ...callbacks.related import Related
from ...domain.states import BY_A_PERSON, Verb
from ...shops.acts import BESIDE, Activity
from ...words import acts as words
from ...words import outcomes, reasons
from ..headline import why_it_waits
from ..rows import Row

CLAIMS = ("claim", "take over", "let go", "hand on")


@dataclass(frozen=True)
class Moment:
    """`strong`: what came of it; `links`: ids of callbacks."""

    at: datetime
    dot: str
    title: str
    strong: str = ""
    note: str = ""
    links: tuple[int, ...] = ()


def story_of(callback: Callback, row: Row, related: Sequence[Related], acts: Sequence[Activity]) -> list[Moment]:
    """Told to the row's viewer. `acts`: all about the callback, the oldest first."""
    entries = [
        *_arrival(callback),
        *_order_events(callback, row),
        *(_attempt(attempt, row) for attempt in callback.attempts),
        *_acts(callback, row, acts),
        *_others(related),
    ]
    return sorted(entries, key=lambda entry: entry.at)


def _arrival(callback: Callback) -> Iterator[Moment]:
    if callback.imported_at is None:
        yield Moment(callback.received_at, "blue", "Callback received and kept", note=_origin(callback))
    else:
        yield Moment(callback.received_at, "secondary", "Callback received elsewhere", note=_origin(callback))
        yield Moment(callback.imported_at, "blue", "Callback imported and kept", note=callback.detail)


def _origin(callback: Callback) -> str:
    request = callback.request
    if request is None:
        return f"its request is kept in {callback.month.archive}"
    return f"from {request.address}" if request.address else ""


def _order_events(callback: Callback, row: Row) -> Iterator[Moment]:
    """What other hands did to the order; what this callback did stands at its attempts."""
    for event in callback.order.events if callback.order else ():
        if event.callback_id == callback.id:
            continue
        money = row.format.money(event.money or (callback.order.total if callback.order else None))
        links = (event.callback_id,) if event.callback_id else ()
        strong = f"{outcomes.ORDER_STATES[event.to_state]}, {money}"
        yield Moment(event.at, "secondary", outcomes.event(event.kind), strong, event.actor, links)


def _attempt(attempt: Attempt, row: Row) -> Moment:
    title = words.KINDS[attempt.kind]
    if attempt.kind in BY_A_PERSON:
        title += f" by {row.who(attempt.asked_by)}"
    notes = [row.format.span(timedelta(microseconds=attempt.duration_us))]
    if attempt.secret:
        notes.insert(0, f"verified with {attempt.secret}")
    if attempt.why:
        notes.append(f"“{attempt.why}”")
    return Moment(attempt.at, _dot(attempt), title, _result(attempt, row.callback), " · ".join(notes))


def _dot(attempt: Attempt) -> str:
    return reasons.words_of(attempt.reason, attempt.conflict).dot if attempt.reason else "green"


def _result(attempt: Attempt, callback: Callback) -> str:
    if attempt.reason:
        return why_it_waits(attempt, callback.account)
    return outcomes.EFFECTS[attempt.effect] if attempt.effect else "processed"


def _acts(callback: Callback, row: Row, done: Sequence[Activity]) -> Iterator[Moment]:
    """Removals and restorations; a retry or a force stands there as its attempt, once that has run. Notes and who took
    its evidence along stand elsewhere."""
    moves = [act for act in done if act.verb not in BESIDE]
    for act in done:
        if act.verb in CLAIMS:
            who = row.who(act.user)
            yield Moment(act.at, "secondary", f"{who[:1].upper()}{who[1:]} {words.ACTS[act.verb]}", note=act.what)
        if act.verb in BESIDE:
            continue
        verb = Verb.named(act.verb)
        asks = verb is not None and verb.attempts is not None
        if asks and not (act is moves[-1] and callback.due_kind in BY_A_PERSON):
            continue
        said = "Asked for" if asks else words.ACTS.get(act.verb, act.verb).capitalize()
        title = f"{said}{' one more attempt' if asks else ''} by {row.who(act.user)}"
        yield Moment(act.at, "secondary", title, note=f"“{act.why}”" if act.why else "")


def _others(related: Sequence[Related]) -> Iterator[Moment]:
    for other in related:
        title = "Another callback about this order" if other.link == "order" else f"The same {other.link} again"
        same = ", body the same" if other.same_body else ""
        yield Moment(
            other.callback.received_at,
            "secondary",
            title + same,
            note=outcomes.STATES[other.callback.state],
            links=(other.callback.id,),
        )
