"""The words of every screen, the CSV and the command line: one place, so that they are the same everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from babel.dates import format_date, format_datetime, get_timezone
from babel.numbers import format_decimal

from .attempts import Kind
from .callbacks import Callback, State
from .errors import Reason
from .queue import Group
from .transitions import Effect, OrderState
from .values import Money, Outcome, Verdict


@dataclass(frozen=True)
class ReasonWords:
    """A reason as a manager reads it. `step`: its one next step; `dot`: its colour, never without the words."""

    headline: str
    step: str
    dot: str
    advice: str


RETRY = "Retry"
REASONS: dict[Reason, ReasonWords] = {
    Reason.gateway_unreachable: ReasonWords(
        "{gateway} could not be reached", RETRY, "red", "Retry once {gateway} answers again."
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
        "Something broke on our side", RETRY, "red", "It is kept safe. Retry; tell the admins."
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
# What came of an attempt, for who waits for it.
RESULTS = {
    Effect.opened: "Order {number} opened",
    Effect.awaiting: "Order {number} awaits payment",
    Effect.cancelled: "Order {number} cancelled",
    Effect.refunded: "Order {number} refunded",
    Effect.partly_refunded: "Order {number} partly refunded",
    Effect.recorded: "Refund recorded on order {number}",
}
# What is said at once when a verb was taken.
DONE = {
    "retry": "One more attempt is under way.",
    "force": "It is being forced.",
    "remove": "Marked as invalid.",
    "restore": "Restored: it is unprocessed again.",
    "note": "The note is kept.",
    "claim": "You are on it.",
    "let go": "You let it go.",
}
# The button that forces, naming the effect.
FORCES = {
    Effect.opened: "Open the order without {gateway}'s confirmation",
    Effect.awaiting: "Let the order await payment without {gateway}'s confirmation",
    Effect.cancelled: "Cancel the order without {gateway}'s confirmation",
    Effect.refunded: "Book the refund without {gateway}'s confirmation",
    Effect.partly_refunded: "Book the refund without {gateway}'s confirmation",
    Effect.recorded: "Book the refund without {gateway}'s confirmation",
    Effect.repeated: "Mark as processed without {gateway}'s confirmation",
    Effect.none: "Mark as processed without {gateway}'s confirmation",
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
    return cause(reason, gateway, callback.asks, callback.detail)


def cause(reason: Reason, gateway: str, asks: bool, detail: str) -> str:
    """Why it waits. `asks`: the gateway was asked; `detail`: what is known of a conflict."""
    if reason is Reason.not_genuine and asks:
        return f"{gateway} says it did not send this"
    if reason is Reason.order_conflict and detail.startswith("Paid, but"):
        return ",".join(detail.rstrip(".").split(",")[:2])
    return REASONS[reason].headline.format(gateway=gateway)


@dataclass(frozen=True)
class GroupWords:
    """A cause on the dashboard: headline, what is known, the one next step, and its colour."""

    headline: str
    line: str
    step: str
    dot: str


def group_words(group: Group, now: datetime, zone: str) -> GroupWords:
    if group.reason is None:
        return GroupWords("Not looked at yet", "no worker has taken it; nothing is lost", "Look", "red")
    reason = REASONS[group.reason]
    title = group.account.title if group.account else "The gateway"
    asks = group.account.asks if group.account else False
    known = _known(group, title)
    if group.count > 1:
        known = f"since {moment(group.oldest, now, zone, 'HH:mm')}" + (f": {known}" if known else "")
    return GroupWords(cause(group.reason, title, asks, group.conflict), known, reason.step, reason.dot)


def next_step(group: Group) -> str:
    """What to do about all of a cause, in a sentence."""
    assert group.reason is not None
    return REASONS[group.reason].advice.format(gateway=group.account.title if group.account else "the gateway")


def _known(group: Group, title: str) -> str:
    """One sentence for all of them, or the commonest as an example; nothing that the headline says already."""
    if group.conflict.startswith("Paid, but"):
        again = group.conflict.startswith("Paid, but the order is paid")
        return "money came in twice" if again else "money came in after the order had gone"
    known = group.detail.rstrip(".")
    known = known.removeprefix(f"{title} could not be asked: ")
    if group.reason is Reason.not_genuine and group.account and not known.startswith(title.split()[0]):
        known = f"{title}: {known[:1].lower()}{known[1:]}"
    return known if group.details < 2 else f"for example {known}"


def worker_gone(seen: datetime | None, now: datetime, due: int, redis: bool) -> str:
    """What stands before any number while no worker is alive."""
    away = f"has not been seen for {age(seen, now)}" if seen else "has never been seen"
    waiting = f"{counted(due, 'callback')} {'is' if due == 1 else 'are'} waiting" if due else "no callback is waiting"
    because = "" if redis else " Redis can't be reached; work goes on once it is back."
    return f"The worker {away}: {waiting}, nothing is lost.{because}"


# Why forcing can't help.
WHY_NOT = {
    "not_the_check": "Forcing skips the check with {gateway}, nothing else, and it is not that check that keeps it.",
    "silent": "{gateway}'s callback only rings: what it is about must be asked for, so there is nothing to force.",
    "fails": "Forcing skips the check with {gateway}, nothing else, and it would fail again. {failure}",
}


def claim(callback: Callback) -> str:
    """ "Stripe says" what is verified, and only "claims" what is not."""
    gateway = callback.account.title
    if callback.outcome in (None, Outcome.unclear):
        return f"A callback to {gateway}'s address"
    return f"{gateway} says" if callback.verdict is Verdict.genuine else f"{gateway} claims"


def day(value: date) -> str:
    """ "23 Nov 2026"."""
    return str(format_date(value, "d MMM y", locale="en_GB"))


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
    since = datetime(2000, 1, 1, tzinfo=UTC)
    return age(since, since + length)


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


def moment(at: datetime, now: datetime, zone: str, pattern: str = "HH:mm:ss") -> str:
    """When it was: "18:42:10" today, "20 Nov 18:42" this year, "20 Nov 2025" before; in the shop's time zone."""
    local, today = (value.astimezone(get_timezone(zone)).date() for value in (at, now))
    if local == today:
        return clock(at, zone, pattern)
    return clock(at, zone, "d MMM HH:mm" if local.year == today.year else "d MMM y")


def exact(at: datetime, zone: str) -> str:
    """The whole moment: "23 Nov 2026 18:42:10.412 GMT+1"."""
    return clock(at, zone, "d MMM y HH:mm:ss.SSS z")


def number(value: int) -> str:
    """ "41,208"."""
    return str(format_decimal(value, format="#,##0", locale="en"))


def percent(share: float) -> str:
    """ "98.6 %"; only all of it is "100 %"."""
    return "100 %" if share == 1 else f"{min(share * 100, 99.9):.1f} %"


def counted(count: int, one: str, many: str = "") -> str:
    """ "1 order", "9 orders", "41,208 callbacks"."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def letters(title: str) -> str:
    """What stands for a gateway account: "St" for Stripe, "PP" for PayPal, "SW" for Standard Webhooks."""
    names = title.split() or ["?"]
    capitals = [letter for letter in names[0] if letter.isupper()]
    if len(capitals) > 1:
        return "".join(capitals[:2])
    return names[0][0] + names[1][0] if len(names) > 1 else names[0][:2]


# Of many at once: what is said of those it was done to, and of those it could not be done to.
DONE_TO_MANY = {"remove": "marked as invalid", "restore": "restored"}
SKIPPED = {
    "retry": "could not be retried",
    "force": "could not be forced",
    "remove": "could not be removed",
    "restore": "could not be restored",
}
# What messages would do to orders: one, many.
FORESEEN = {
    Effect.opened: ("order opens", "orders open"),
    Effect.awaiting: ("order awaits payment", "orders await payment"),
    Effect.cancelled: ("order is cancelled", "orders are cancelled"),
    Effect.refunded: ("order is refunded", "orders are refunded"),
    Effect.partly_refunded: ("order is partly refunded", "orders are partly refunded"),
    Effect.recorded: ("refund is recorded", "refunds are recorded"),
    Effect.repeated: ("was told before: no effect", "were told before: no effect"),
    Effect.none: ("has no effect on an order", "have no effect on orders"),
}
RUN_STATES = {
    "running": "running",
    "paused": "paused",
    "stopped": "stopped by itself",
    "cancelled": "cancelled",
    "done": "done",
}
ITEM_STATES = {
    "waiting": "not done",
    "asked": "under way",
    "succeeded": "succeeded",
    "failed": "failed",
    "skipped": "skipped",
}


# The verb on a button, and the button that starts a run: "Retry 14 callbacks".
VERBS = {"retry": "Retry", "force": "Force", "remove": "Remove", "restore": "Restore"}
STARTS = {
    "retry": "Retry {callbacks}",
    "force": "Force {callbacks} without the gateway's confirmation",
    "remove": "Mark {callbacks} as invalid",
    "restore": "Restore {callbacks}",
}
MOVED = {
    "remove": "{callbacks} {leave} the unprocessed ones. Nothing is deleted, no order changes, and it can be undone.",
    "restore": "{callbacks} {come} back among the unprocessed ones. No order changes, and it can be undone.",
}


def starts(verb: str, count: int) -> str:
    """The button that starts a run, naming what it does."""
    return STARTS[verb].format(callbacks=counted(count, "callback"))


def moved(verb: str, count: int) -> str:
    """What removing or restoring so many does."""
    one = count == 1
    words = {"leave": "leaves" if one else "leave", "come": "comes" if one else "come"}
    return MOVED[verb].format(callbacks=counted(count, "callback"), **words)


def foreseen(effect: Effect, count: int) -> str:
    """ "12 orders open"."""
    return f"{number(count)} {FORESEEN[effect][count != 1]}"


def came(effect: Effect | None) -> str:
    """What came of an attempt that succeeded, the same for all with that effect."""
    return EFFECTS[effect] if effect else EFFECTS[Effect.none]


def first_failed(count: int) -> str:
    """Why a run stopped in one of its first stages."""
    return "The first one failed." if count == 1 else f"All of the next {count} failed."


def too_many_failed(failed: int, tried: int, share: int) -> str:
    return f"{number(failed)} of the last {number(tried)} failed: more than {share} %."


# A human act, as the list of them tells it.
ACTS = {
    "retry": "retried",
    "force": "forced",
    "remove": "removed as invalid",
    "restore": "restored",
    "log in": "logged in",
    "log out": "logged out",
    "export": "exported a CSV",
    "settings": "changed the settings",
    "send again": "had it sent again",
    "test alert": "sent a test alert",
    "failed log-in": "failed to log in",
    "bulk retry": "retried many",
    "bulk force": "forced many",
    "bulk remove": "removed many as invalid",
    "bulk restore": "restored many",
    "pause bulk": "paused",
    "resume bulk": "resumed",
    "cancel bulk": "cancelled",
    "add gateway": "added a gateway account",
    "test": "sent a test callback",
    "note": "wrote a note",
    "claim": "took it on",
    "take over": "took it over",
    "let go": "let it go",
    "evidence": "took its evidence page",
}


EVENTS = {"created": "order came in", **{str(effect): said for effect, said in EFFECTS.items()}}


def event(kind: str) -> str:
    """What happened to an order, at the start of a line."""
    said = EVENTS.get(kind, kind)
    return said[:1].upper() + said[1:]


# What a page says that can't be shown: a title, and what to do.
TROUBLE = {
    400: ("That did not work", "The request could not be understood. Go back, load the page again and try once more."),
    403: ("You may look, not act", "Your role reads only. Ask a manager of the shop, or an admin, to do this."),
    404: ("There is nothing here", "It does not exist, or it belongs to a shop that you don't see."),
    405: ("That is not a page", "This address takes a button's click only. Start from the dashboard."),
    413: ("Too large", "What was sent is larger than what is taken here."),
    429: ("Too many tries", "Wait a minute, then try again."),
    500: (
        "Something broke on our side",
        "It is written down for the admins. No callback is lost: what gateways send is stored before anything else.",
    ),
    503: (
        "The database can't be reached",
        "Gateways are told to send their callbacks again, so nothing is lost. Orders are not moved until it is back. "
        "This page works again as soon as it is: load it again in a minute.",
    ),
}
STALE_FORM = (
    "This page was open too long",
    "You were logged out, or logged in again, since it was loaded. Go back, load it again and repeat what you did.",
)
