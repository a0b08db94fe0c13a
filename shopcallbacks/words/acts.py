"""A person's verbs in words: before, while and after they are done, to one and to many."""

from __future__ import annotations

from ..domain.states import Effect, Kind
from .formats import PLAIN, Format

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
    "log out everywhere": "logged out everywhere",
    "own password": "changed their own password",
    "log-ins held": "had log-ins held back: too many wrong passwords",
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
    "add shop": "added a shop",
    "new API token": "gave the shop a new API token",
    "add user": "added a user",
    "deactivate user": "switched a user off",
    "activate user": "switched a user on",
    "set role": "changed a user's role",
    "set shops": "changed the shops a user sees",
    "set password": "set a user's password",
}
