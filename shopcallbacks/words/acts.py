"""A person's verbs in words: before, while and after they are done, to one and to many."""

from __future__ import annotations

from dataclasses import dataclass

from ..domain.states import Effect, Kind, Verb
from .formats import PLAIN, Format


@dataclass(frozen=True)
class VerbWords:
    """One verb as people read it.

    `button`: on a button; `asks`: the question before it; `done`: said at once when it was taken; `starts`: the button
    that starts a run; `skipped`: of those in a run that it could not be done to; `done_to_many`: of those it was done
    to, and `moves`: what it does to them, where it asks for no attempt.
    """

    button: str
    asks: str
    done: str
    starts: str
    skipped: str
    done_to_many: str = ""
    moves: str = ""


VERBS = {
    Verb.retry: VerbWords(
        "Retry",
        "Try this callback again?",
        "One more attempt is under way.",
        "Retry {callbacks}",
        "could not be retried",
    ),
    Verb.force: VerbWords(
        "Force",
        "Force this callback?",
        "It is being forced.",
        "Force {callbacks} without the gateway's confirmation",
        "could not be forced",
    ),
    Verb.reopen: VerbWords(
        "Reopen",
        "Let the order take this payment?",
        "The order is being reopened.",
        "Reopen the orders of {callbacks}",
        "no payment to decide on",
    ),
    Verb.owe: VerbWords(
        "Needs refund",
        "Give this payment back?",
        "The payment is being booked as owed back.",
        "Mark the payments of {callbacks} as owed back",
        "no payment to decide on",
    ),
    Verb.accept: VerbWords(
        "Accept",
        "Let this sum be enough?",
        "It is being accepted.",
        "Accept the sums of {callbacks}",
        "no sum to accept",
    ),
    Verb.part: VerbWords(
        "Take as a part",
        "Take this payment as a part?",
        "It is being taken as a part.",
        "Take the payments of {callbacks} as parts",
        "no part to take",
    ),
    Verb.take_too: VerbWords(
        "Take too",
        "Let the order take this payment as well?",
        "It is being taken too.",
        "Take the payments of {callbacks} too",
        "no payment to take too",
    ),
    Verb.take_back: VerbWords(
        "Take the payment out",
        "Take the payment out of the books?",
        "It is being taken out.",
        "Take the payments of {callbacks} out of the books",
        "no payment to take out",
    ),
    Verb.unowe: VerbWords(
        "Decide anew",
        "Take back that this payment needs a refund?",
        "It is being put back to be decided.",
        "Put {callbacks} back to be decided",
        "nothing owed to take back",
    ),
    Verb.choose: VerbWords(
        "Choose the payment",
        "Of which payment is it?",
        "It is being booked.",
        "Choose the payment of {callbacks}",
        "no payment to choose",
    ),
    Verb.assign: VerbWords(
        "Assign to an order",
        "To which order does it belong?",
        "It is being assigned.",
        "Assign {callbacks} to an order",
        "could not be assigned",
    ),
    Verb.close: VerbWords(
        "Dealt with",
        "Is it dealt with?",
        "Marked as dealt with.",
        "Mark {callbacks} as dealt with",
        "could not be marked as dealt with",
        "dealt with",
        "{callbacks} {leave} the unprocessed ones as dealt with by hand. Nothing is booked, and it can be undone.",
    ),
    Verb.remove: VerbWords(
        "Remove",
        "Mark this callback as invalid?",
        "Marked as invalid.",
        "Mark {callbacks} as invalid",
        "could not be removed",
        "marked as invalid",
        "{callbacks} {leave} the unprocessed ones as fake or not yours. Nothing is deleted, and it can be undone.",
    ),
    Verb.restore: VerbWords(
        "Restore",
        "Restore this callback?",
        "Restored: it is unprocessed again.",
        "Restore {callbacks}",
        "could not be restored",
        "restored",
        "{callbacks} {come} back among the unprocessed ones. No order changes, and it can be undone.",
    ),
}
# Said at once when something else was done about a callback.
DONE = {
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
    Effect.recorded: "Book it without {gateway}'s confirmation",
    Effect.part_paid: "Take the part without {gateway}'s confirmation",
    Effect.refused: "Let the try end without {gateway}'s confirmation",
    Effect.refund_failed: "Book the failed refund without {gateway}'s confirmation",
    Effect.disputed: "Mark the dispute without {gateway}'s confirmation",
    Effect.charged_back: "Book the chargeback without {gateway}'s confirmation",
    Effect.money_back: "Book the money that came back without {gateway}'s confirmation",
    Effect.repeated: "Mark as processed without {gateway}'s confirmation",
    Effect.none: "Mark as processed without {gateway}'s confirmation",
}
KINDS = {
    Kind.first: "First attempt",
    Kind.automatic: "Tried again by itself",
    Kind.retry: "Retry",
    Kind.forced: "Forced",
    Kind.accepted: "Accepted",
    Kind.part: "Taken as a part",
    Kind.taken_too: "Taken too",
    Kind.reopened: "Reopened",
    Kind.owed: "Marked as owed back",
    Kind.unowed: "Put back to be decided",
    Kind.taken_back: "Taken out of the books",
    Kind.chosen: "Payment chosen",
    Kind.assigned: "Assigned to an order",
}
# The same while it is under way.
UNDER_WAY = {
    Kind.retry: "Trying again",
    Kind.forced: "Forcing",
    Kind.reopened: "Reopening the order",
    Kind.owed: "Booking it as owed back",
    Kind.accepted: "Accepting it",
    Kind.part: "Taking it as a part",
    Kind.taken_too: "Taking it too",
    Kind.unowed: "Putting it back to be decided",
    Kind.taken_back: "Taking the payment out",
    Kind.chosen: "Booking it of that payment",
    Kind.assigned: "Assigning it",
}


def past(act: str) -> str:
    """What an act did to a callback, as half a sentence: "removed"."""
    verb = Verb.named(act)
    return verb.past if verb else _PAST.get(act, act)


_PAST = {"test": "sent as a test"}


def starts(verb: Verb, count: int, format_: Format = PLAIN) -> str:
    """The button that starts a run, naming what it does."""
    return VERBS[verb].starts.format(callbacks=format_.counted(count, "callback"))


def moved(verb: Verb, count: int, format_: Format = PLAIN) -> str:
    """What removing or restoring so many does."""
    one = count == 1
    words = {"leave": "leaves" if one else "leave", "come": "comes" if one else "come"}
    return VERBS[verb].moves.format(callbacks=format_.counted(count, "callback"), **words)


# A human act, as the list of them tells it.
ACTS = {
    "retry": "retried",
    "force": "forced",
    "remove": "removed as invalid",
    "restore": "restored",
    "reopen": "reopened the order",
    "owe": "marked the payment as owed back",
    "accept": "accepted the sum",
    "part": "took the payment as a part",
    "take_too": "took the payment too",
    "take_back": "took the payment out of the books",
    "unowe": "took back that it is owed",
    "choose": "chose the payment",
    "assign": "assigned it to an order",
    "close": "marked it as dealt with",
    "settle": "said that money owed was given back",
    "enough": "said that is all",
    "end try": "ended a try to pay",
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
    "bulk accept": "accepted the sums of many",
    "bulk part": "took the payments of many as parts",
    "bulk take_too": "took the payments of many too",
    "bulk take_back": "took the payments of many out of the books",
    "bulk unowe": "took back that many are owed",
    "bulk close": "marked many as dealt with",
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
