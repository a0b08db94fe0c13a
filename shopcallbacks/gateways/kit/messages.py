"""Messages that decide nothing, and what all messages need."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...domain.values import Message, Outcome
from .errors import ReadError


def unreadable(why: ReadError | str, **known: Any) -> Message:
    """The content can't be read: no decision."""
    return Message(Outcome.unclear, detail=str(why), unreadable=True, **known)


def unclear(why: str, **known: Any) -> Message:
    """Read, but it says nothing we know: no decision."""
    return Message(Outcome.unclear, detail=why, **known)


def no_money_no_decision(message: Message, what: str = "amount") -> Message:
    """`paid` and `refunded` without readable money become `unclear`."""
    if message.outcome in (Outcome.paid, Outcome.refunded) and message.money is None:
        return replace(
            message, outcome=Outcome.unclear, detail=f"it says {message.outcome}, but the {what} can't be read"
        )
    return message


def no_sum_no_chargeback(message: Message) -> Message:
    """`charged_back` without readable money becomes `unclear`, for gateways that tell the sum: none would mean all."""
    if message.outcome is not Outcome.charged_back or message.money is not None:
        return message
    return replace(message, outcome=Outcome.unclear, detail="it says charged_back, but the amount can't be read")


def name_refund(message: Message, *own: str | None) -> Message:
    """A refund's movement gets its name: the refund's own id, else the event's, else what was refunded of what."""
    if message.outcome is not Outcome.refunded:
        return message
    sum_of_it = (
        f"{message.transaction_id or message.order_number}:refunded:{message.money.minor if message.money else ''}"
    )
    return replace(message, movement=next(name for name in (*own, message.event_id, sum_of_it) if name))


def our_word(word: str, authorised: str | None) -> Outcome:
    """The outcome; `authorised` stands for what the account's setting says of it."""
    if word == "authorised":
        return Outcome.pending if authorised == "pending" else Outcome.paid
    return Outcome(word)
