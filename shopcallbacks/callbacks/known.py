"""What was told before under the same names: the same event, or the same delivery, with another body."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import select

from ..domain.values import Message, Verdict, Verification
from ..extensions import db
from ..look import Look
from ..sets import keyed, wanted
from .attempts import KeptMessage, said
from .callback import Callback
from .due import Due

Name = tuple[int, str]


class Found(Protocol):
    """What an examination of a callback found."""

    @property
    def messages(self) -> tuple[Message, ...]: ...

    @property
    def verification(self) -> Verification | None: ...


@dataclass
class Known:
    """By (account id, name): the first callback that was genuine, its digest, and what it said of the event."""

    events: dict[Name, tuple[int, bytes, Message]] = field(default_factory=dict)
    deliveries: dict[Name, tuple[int, bytes]] = field(default_factory=dict)

    def delivery(self, due: Due, delivery: str) -> int | None:
        """The callback that brought the delivery before with another body; what is new is known from here on."""
        first_id, digest = self.deliveries.setdefault((due.account_id, delivery), (due.id, due.digest))
        return first_id if digest != due.digest else None

    def event(self, due: Due, message: Message) -> int | None:
        """The callback that told of the event before, in another body, and said something else."""
        if message.event_id is None:
            return None
        key = (due.account_id, message.event_id)
        first_id, digest, before = self.events.setdefault(key, (due.id, due.digest, message))
        return first_id if digest != due.digest and _meaning(before) != _meaning(message) else None

    def update(self, other: Known) -> None:
        self.events |= other.events
        self.deliveries |= other.deliveries


def _meaning(message: Message) -> tuple[object, ...]:
    return message.outcome, message.order_number, message.transaction_id, message.money


def of(found: Iterable[tuple[Due, Found]], look: Look) -> Known:
    """What is known of their events and deliveries."""
    found = list(found)
    events = {(due.account_id, m.event_id) for due, one in found for m in one.messages if m.event_id}
    deliveries = {
        (due.account_id, one.verification.delivery_id)
        for due, one in found
        if one.verification and one.verification.delivery_id
    }
    return Known(dict(look(_events, frozenset(events))), dict(look(_deliveries, frozenset(deliveries))))


_told, _came = KeptMessage.__table__.c, Callback.__table__.c
_EVENTS = (
    select(*_told, _came.digest)
    .join(*wanted(_told.account_id, _told.event_id))
    .join(Callback.__table__, _came.id == _told.callback_id)
    .order_by(_told.callback_id.desc())
)
_DELIVERIES = (
    select(_came.account_id, _came.delivery_id, _came.id, _came.digest)
    .join(*wanted(_came.account_id, _came.delivery_id))
    .where(_came.verdict == Verdict.genuine)
    .order_by(_came.id.desc())
)


def _events(names: Collection[Name]) -> dict[Name, tuple[int, bytes, Message]]:
    if not names:
        return {}
    rows = db.session.execute(_EVENTS, keyed("account_id event_id", names))
    return {(row.account_id, row.event_id): (row.callback_id, row.digest, said(row)) for row in rows}


def _deliveries(names: Collection[Name]) -> dict[Name, tuple[int, bytes]]:
    if not names:
        return {}
    rows = db.session.execute(_DELIVERIES, keyed("account_id delivery_id", names))
    return {(account_id, delivery): (id_, digest) for account_id, delivery, id_, digest in rows if delivery}
