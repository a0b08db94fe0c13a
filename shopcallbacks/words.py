"""The words of every screen, the CSV and the command line: one place, so that they are the same everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from babel.dates import format_datetime, get_timezone
from babel.numbers import format_decimal

from .attempts import Kind
from .callbacks import Callback, State
from .errors import Reason
from .transitions import Effect, OrderState
from .values import Money, Outcome, Verdict


@dataclass(frozen=True)
class ReasonWords:
    """A reason as a manager reads it. `step`: its one next step; `dot`: its colour, never without the words."""

    headline: str
    step: str
    dot: str
    advice: str


REASONS: dict[Reason, ReasonWords] = {
    Reason.gateway_unreachable: ReasonWords(
        "{gateway} could not be reached", "Retry", "red", "Retry once {gateway} answers again."
    ),
    Reason.not_genuine: ReasonWords(
        "Signature does not match",
        "See why",
        "orange",
        "Look why before you force it: whoever can't sign may be anybody.",
    ),
    Reason.unreadable: ReasonWords(
        "Can't be read", "Look", "red", "Look at the original. If it is no callback, remove it."
    ),
    Reason.unclear: ReasonWords(
        "The answer is not clear", "Look", "orange", "Look the payment up in {gateway} and decide there."
    ),
    Reason.order_not_found: ReasonWords(
        "No such order", "Look", "azure", "Check the order number in your shop; once the order is here, retry."
    ),
    Reason.amount_mismatch: ReasonWords(
        "Amount differs from the order", "Compare", "yellow", "Compare with the order; nothing was booked."
    ),
    Reason.currency_mismatch: ReasonWords(
        "Currency differs from the order", "Compare", "yellow", "Compare with the order; nothing was booked."
    ),
    Reason.order_conflict: ReasonWords(
        "It conflicts with the order",
        "Decide",
        "purple",
        "Decide: refund it in {gateway}, or deal with it in your shop.",
    ),
    Reason.account_disabled: ReasonWords(
        "This gateway account is switched off", "Open settings", "secondary", "Switch the account on again, then retry."
    ),
    Reason.crashed: ReasonWords(
        "Something broke on our side", "Retry", "red", "It is kept safe. Retry; tell the admins."
    ),
}

STATES = {
    State.received: "received",
    State.processed: "processed",
    State.unprocessed: "unprocessed",
    State.invalid: "invalid",
}
ORDER_STATES = {
    OrderState.temporary: "temporary",
    OrderState.awaiting_payment: "awaiting payment",
    OrderState.open: "open",
    OrderState.cancelled: "cancelled",
    OrderState.refunded: "refunded",
}
OUTCOMES = {outcome: str(outcome) for outcome in Outcome}
EFFECTS = {
    Effect.opened: "order opened",
    Effect.awaiting: "order awaits payment",
    Effect.cancelled: "order cancelled",
    Effect.refunded: "order refunded",
    Effect.partly_refunded: "partly refunded",
    Effect.recorded: "refund recorded",
    Effect.repeated: "told before, no effect",
    Effect.none: "no effect",
}
KINDS = {
    Kind.first: "First attempt",
    Kind.automatic: "Tried again by itself",
    Kind.retry: "Retry",
    Kind.forced: "Forced",
}
VERDICTS = {
    Verdict.genuine: "genuine",
    Verdict.not_genuine: "not genuine",
    Verdict.unreachable: "could not be asked",
    Verdict.skipped: "check skipped",
}


def headline(callback: Callback) -> str:
    """Why it waits, or what it did, in a few words."""
    gateway = callback.account.title
    if callback.state is State.received:
        return "Not looked at yet"
    if callback.state is State.processed:
        return f"Processed: {EFFECTS[callback.effect]}" if callback.effect else "Processed"
    reason = callback.reason
    if reason is None:
        return "Removed before it was looked at"
    if reason is Reason.not_genuine and callback.asks:
        return f"{gateway} says it did not send this"
    if reason is Reason.order_conflict and callback.detail.startswith("Paid, but"):
        return callback.detail.rstrip(".").split(",")[0] + "," + callback.detail.rstrip(".").split(",")[1]
    return REASONS[reason].headline.format(gateway=gateway)


def age(since: datetime, now: datetime) -> str:
    """How long ago, in at most two units: "8 s", "40 min", "2 h 10 min", "3 d 4 h"."""
    seconds = max(int((now - since).total_seconds()), 0)
    if seconds < 60:
        return f"{seconds} s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 60:
        return f"{minutes} min"
    if hours < 24:
        return f"{hours} h {minutes % 60:02} min"
    return f"{days} d {hours % 24} h"


def span(length: timedelta) -> str:
    """A duration: "0.2 ms", "42 ms", "3.1 s", "12 min"."""
    milliseconds = length.total_seconds() * 1000
    if milliseconds < 10:
        return f"{milliseconds:.1f} ms"
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    return age(datetime.min, datetime.min + length)


def money(value: Money | None) -> str:
    """ "1,420.00 EUR", "12,300 JPY"; a dash where there is none."""
    if value is None:
        return "\N{EN DASH}"
    decimals = -int(value.amount.as_tuple().exponent)
    pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    return f"{format_decimal(value.amount, format=pattern, locale='en')} {value.currency}"


def clock(moment: datetime, zone: str, pattern: str = "HH:mm:ss") -> str:
    """The moment in the shop's time zone, in Babel's pattern."""
    return str(format_datetime(moment, pattern, tzinfo=get_timezone(zone), locale="en_GB"))
