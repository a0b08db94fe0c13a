"""The words of every screen, the CSV and the command line: one place, so that they are the same everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .attempts import Kind
from .callbacks import Callback, State
from .errors import Reason
from .formats import PLAIN, Format, age
from .hearing import Heard
from .preferences import Column
from .queue import Group
from .transitions import PAID_BUT, Effect, OrderState
from .values import Outcome, Verdict


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
        "Decide: let the order take the payment, refund it in {gateway}, or deal with it in your shop.",
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
    Effect.reopened: "order reopened",
    Effect.owed: "payment owed back",
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
    Effect.reopened: "Order {number} reopened",
    Effect.owed: "The payment for order {number} is owed back",
}
# What is said at once when a verb was taken.
DONE = {
    "retry": "One more attempt is under way.",
    "force": "It is being forced.",
    "reopen": "The order is being reopened.",
    "owe": "The payment is being booked as owed back.",
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
    Kind.reopened: "Reopened",
    Kind.owed: "Marked as owed back",
}
# The same while it is under way.
UNDER_WAY = {
    Kind.retry: "Trying again",
    Kind.forced: "Forcing",
    Kind.reopened: "Reopening the order",
    Kind.owed: "Booking it as owed back",
}
# The same of one that is over.
TRIED = {Kind.retry: "retried", Kind.forced: "forced", Kind.reopened: "reopened", Kind.owed: "marked as owed back"}
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
    if reason is Reason.order_conflict and detail.startswith(PAID_BUT):
        return ",".join(detail.rstrip(".").split(",")[:2])
    return REASONS[reason].headline.format(gateway=gateway)


@dataclass(frozen=True)
class GroupWords:
    """A cause on the dashboard: headline, what is known, the one next step, and its colour."""

    headline: str
    line: str
    step: str
    dot: str


def group_words(group: Group, now: datetime, format_: Format) -> GroupWords:
    if group.reason is None:
        return GroupWords("Not looked at yet", "no worker has taken it; nothing is lost", "Look", "red")
    reason = REASONS[group.reason]
    title = group.account.title if group.account else "The gateway"
    asks = group.account.asks if group.account else False
    known = _known(group, title)
    if group.count > 1:
        known = f"since {format_.moment(group.oldest, now, seconds=False)}" + (f": {known}" if known else "")
    return GroupWords(cause(group.reason, title, asks, group.conflict), known, reason.step, reason.dot)


def next_step(group: Group) -> str:
    """What to do about all of a cause, in a sentence."""
    assert group.reason is not None
    return REASONS[group.reason].advice.format(gateway=group.account.title if group.account else "the gateway")


def _known(group: Group, title: str) -> str:
    """One sentence for all of them, or the commonest as an example; nothing that the headline says already."""
    if group.paid_but:
        again = group.conflict.startswith(f"{PAID_BUT} the order is paid")
        return "money came in twice" if again else "money came in after the order had gone"
    known = group.detail.rstrip(".")
    known = known.removeprefix(f"{title} could not be asked: ")
    if group.reason is Reason.not_genuine and group.account and not known.startswith(title.split()[0]):
        known = f"{title}: {known[:1].lower()}{known[1:]}"
    return known if group.details < 2 else f"for example {known}"


def worker_gone(seen: datetime | None, now: datetime, due: int, redis: bool, format_: Format = PLAIN) -> str:
    """What stands before any number while no worker is alive."""
    away = f"has not been seen for {age(seen, now)}" if seen else "has never been seen"
    waiting = (
        f"{format_.counted(due, 'callback')} {'is' if due == 1 else 'are'} waiting" if due else "no callback is waiting"
    )
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


def rate(per_hour: float, written: Format = PLAIN) -> str:
    """How many usually come: "14 an hour", "6 a day"."""
    if per_hour >= 1:
        return f"{written.number(round(per_hour))} an hour"
    return f"{written.number(max(round(per_hour * 24), 1))} a day"


def silent(heard: Heard, written: Format = PLAIN) -> str:
    """ "Stripe has been silent for 2 h 10 min; usual at this time: 14 an hour"."""
    lasts = age(heard.last_genuine, heard.now) if heard.last_genuine else ""
    usual = f"; usual at this time: {rate(heard.usual, written)}" if heard.usual else ""
    return f"{heard.account.title} has been silent for {lasts}{usual}"


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
    "reopen": "no payment to decide on",
    "owe": "no payment to decide on",
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
    Effect.reopened: ("order reopens", "orders reopen"),
    Effect.owed: ("payment is owed back to its customer", "payments are owed back to their customers"),
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
VERBS = {
    "retry": "Retry",
    "force": "Force",
    "reopen": "Reopen",
    "owe": "Needs refund",
    "remove": "Remove",
    "restore": "Restore",
}
STARTS = {
    "retry": "Retry {callbacks}",
    "force": "Force {callbacks} without the gateway's confirmation",
    "reopen": "Reopen the orders of {callbacks}",
    "owe": "Mark the payments of {callbacks} as owed back",
    "remove": "Mark {callbacks} as invalid",
    "restore": "Restore {callbacks}",
}
MOVED = {
    "remove": "{callbacks} {leave} the unprocessed ones. Nothing is deleted, no order changes, and it can be undone.",
    "restore": "{callbacks} {come} back among the unprocessed ones. No order changes, and it can be undone.",
}


def starts(verb: str, count: int, format_: Format = PLAIN) -> str:
    """The button that starts a run, naming what it does."""
    return STARTS[verb].format(callbacks=format_.counted(count, "callback"))


def moved(verb: str, count: int, format_: Format = PLAIN) -> str:
    """What removing or restoring so many does."""
    one = count == 1
    words = {"leave": "leaves" if one else "leave", "come": "comes" if one else "come"}
    return MOVED[verb].format(callbacks=format_.counted(count, "callback"), **words)


def foreseen(effect: Effect, count: int, format_: Format = PLAIN) -> str:
    """ "12 orders open"."""
    return f"{format_.number(count)} {FORESEEN[effect][count != 1]}"


def came(effect: Effect | None) -> str:
    """What came of an attempt that succeeded, the same for all with that effect."""
    return EFFECTS[effect] if effect else EFFECTS[Effect.none]


def first_failed(count: int) -> str:
    """Why a run stopped in one of its first stages."""
    return "The first one failed." if count == 1 else f"All of the next {count} failed."


def too_many_failed(failed: int, tried: int, share: int) -> str:
    return f"{PLAIN.number(failed)} of the last {PLAIN.number(tried)} failed: more than {share} %."


# A human act, as the list of them tells it.
ACTS = {
    "retry": "retried",
    "force": "forced",
    "remove": "removed as invalid",
    "restore": "restored",
    "reopen": "reopened the order",
    "owe": "marked the payment as owed back",
    "settle": "said that money owed was given back",
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
    "bulk reopen": "reopened the orders of many",
    "bulk owe": "marked the payments of many as owed back",
    "pause bulk": "paused",
    "resume bulk": "resumed",
    "cancel bulk": "cancelled",
    "add gateway": "added a gateway account",
    "test": "sent a test callback",
    "save view": "saved a view",
    "rename view": "renamed a view",
    "remove view": "removed a view",
    "own settings": "changed their own settings",
    "note": "wrote a note",
    "claim": "took it on",
    "take over": "took it over",
    "let go": "let it go",
    "evidence": "took its evidence page",
}


EVENTS = {
    "created": "order came in",
    "settled": "money owed given back",
    **{str(effect): said for effect, said in EFFECTS.items()},
}


def event(kind: str) -> str:
    """What happened to an order, at the start of a line."""
    said = EVENTS.get(kind, kind)
    return said[:1].upper() + said[1:]


# The panel's columns, as their heads have them.
COLUMNS = {
    Column.age: "Age",
    Column.account: "Gateway account",
    Column.transaction: "Transaction",
    Column.customer: "Customer",
    Column.arrived: "Arrived",
    Column.attempts: "Attempts",
    Column.amount: "Amount",
}


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
