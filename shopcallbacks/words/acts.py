"""A person's verbs in words: before, while and after they are done, to one and to many."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..domain.states import AttemptKind, Effect, Verb
from ..domain.values import LEAVES, Outcome
from .formats import PLAIN, Format


@dataclass(frozen=True)
class VerbWords:
    """One verb as people read it.

    `button`: on a button; `key`: presses it; `asks`: the question before it; `about`: what it is for, and whether it
    can be taken back; `confirms`: the button that does it then; `done`: said when it was taken.
    Of a run: `starts`: the button; `skipped`: of those that it could not be done to; `done_to_many`: of those it was
    done to, and `moves`: what it does to them, where the effect does not say it.
    """

    button: str
    key: str
    asks: str
    about: str
    confirms: str
    done: str
    starts: str
    skipped: str
    done_to_many: str = ""
    moves: str = ""


VERBS = {
    Verb.retry: VerbWords(
        button="Retry",
        key="r",
        asks="Try this callback again?",
        about="",
        confirms="Retry",
        done="One more attempt is under way.",
        starts="Retry {callbacks}",
        skipped="could not be retried",
    ),
    Verb.force: VerbWords(
        button="Force",
        key="f",
        asks="Force this callback?",
        about="The check with {gateway} is skipped, nothing else. Do this only when you have seen the payment in "
        "{gateway} itself.",
        confirms="Force",
        done="It is being forced.",
        starts="Force {callbacks} without the gateway's confirmation",
        skipped="could not be forced",
    ),
    Verb.reopen: VerbWords(
        button="Reopen",
        key="e",
        asks="Let the order take this payment?",
        about="Do this only when the order can still be delivered: your shop is told that it is open. "
        "It can't be taken back here.",
        confirms="Reopen order {number}",
        done="The order is being reopened.",
        starts="Reopen the orders of {callbacks}",
        skipped="no payment to decide on",
    ),
    Verb.owe: VerbWords(
        button="Needs refund",
        key="b",
        asks="Give this payment back?",
        about="Nothing is sent to {gateway}: give the money back in its back office. The order is listed as owing "
        "until {gateway} tells of the refund, or you say that it was given back. Until then it can be undone.",
        confirms="Book it as owed back",
        done="The payment is being booked as owed back.",
        starts="Mark the payments of {callbacks} as owed back",
        skipped="no payment to decide on",
    ),
    Verb.accept: VerbWords(
        button="Accept",
        key="a",
        asks="Let this sum be enough?",
        about="The order takes the payment: too little is enough then, and what is too much is owed back to the "
        "customer. Your shop is told that the order is open. It can't be taken back here.",
        confirms="Accept it",
        done="It is being accepted.",
        starts="Accept the sums of {callbacks}",
        skipped="no sum to accept",
    ),
    Verb.part: VerbWords(
        button="Take as a part",
        key="p",
        asks="Take this payment as a part?",
        about="The order keeps it and waits for the rest. It can't be taken back here.",
        confirms="Take it as a part",
        done="It is being taken as a part.",
        starts="Take the payments of {callbacks} as parts",
        skipped="no part to take",
    ),
    Verb.take_too: VerbWords(
        button="Take too",
        key="t",
        asks="Let the order take this payment as well?",
        about="For a tip, an add-on or an exchange: the order is paid, and keeps this on top. "
        "It can't be taken back here.",
        confirms="Take it too",
        done="It is being taken too.",
        starts="Take the payments of {callbacks} too",
        skipped="no payment to take too",
    ),
    Verb.take_back: VerbWords(
        button="Take the payment out",
        key="g",
        asks="Take the payment out of the books?",
        about="For a payment that is gone: look it up in {gateway} first. What is kept and owed of it leaves the "
        "books, what was given back stays. It can't be taken back here.",
        confirms="Take it out",
        done="It is being taken out.",
        starts="Take the payments of {callbacks} out of the books",
        skipped="no payment to take out",
    ),
    Verb.unowe: VerbWords(
        button="Decide anew",
        key="u",
        asks="Does it need no refund after all?",
        about="It is no longer owed back, and waits for your decision again.",
        confirms="Decide anew",
        done="It is being put back to be decided.",
        starts="Put {callbacks} back to be decided",
        skipped="nothing owed to take back",
        done_to_many="to be decided anew",
        moves="{callbacks} {come} back to be decided. What they brought is no longer owed.",
    ),
    Verb.choose: VerbWords(
        button="Choose the payment",
        key="c",
        asks="Of which payment is it?",
        about="It is booked of the payment you choose. It can't be taken back here.",
        confirms="Book it of this payment",
        done="It is being booked.",
        starts="Choose the payment of {callbacks}",
        skipped="no payment to choose",
    ),
    Verb.assign: VerbWords(
        button="Assign to an order",
        key="s",
        asks="To which order does it belong?",
        about="All is compared as ever: what differs from that order waits for you there, and can be assigned anew as "
        "long as it waits. What is booked can't be taken back here.",
        confirms="Assign it",
        done="It is being assigned.",
        starts="Assign {callbacks} to an order",
        skipped="could not be assigned",
    ),
    Verb.close: VerbWords(
        button="Dealt with",
        key="d",
        asks="Is it dealt with?",
        about="For a genuine callback that needs nothing more here, because you have seen to it yourself. Nothing is "
        "booked, no order changes, it is not looked at again by itself, and it can be restored.",
        confirms="Mark as dealt with",
        done="Marked as dealt with.",
        starts="Mark {callbacks} as dealt with",
        skipped="could not be marked as dealt with",
        done_to_many="dealt with",
        moves="{callbacks} {leave} the unprocessed ones as dealt with. Nothing is booked, and it can be undone.",
    ),
    Verb.remove: VerbWords(
        button="Remove",
        key="v",
        asks="Mark this callback as invalid?",
        about="For what is fake or not yours. It leaves the unprocessed ones. It is kept, nothing is deleted, no order "
        "changes, and it can be restored.",
        confirms="Mark as invalid",
        done="Marked as invalid.",
        starts="Mark {callbacks} as invalid",
        skipped="could not be removed",
        done_to_many="marked as invalid",
        moves="{callbacks} {leave} the unprocessed ones as fake or not yours. Nothing is deleted, "
        "and it can be undone.",
    ),
    Verb.restore: VerbWords(
        button="Restore",
        key="u",
        asks="Restore this callback?",
        about="",
        confirms="Restore",
        done="Restored: it is unprocessed again.",
        starts="Restore {callbacks}",
        skipped="could not be restored",
        done_to_many="restored",
        moves="{callbacks} {come} back among the unprocessed ones. No order changes, and it can be undone.",
    ),
}
# The same of money that left: there is no sum to be enough.
_ACCEPT_LEFT = replace(
    VERBS[Verb.accept],
    asks="Book it as {gateway} tells it?",
    about="It is booked in full, though it is more than is left of the payment, or in another currency. "
    "It can't be taken back here.",
    confirms="Book it",
)


def verb_words(verb: Verb, outcome: Outcome | None) -> VerbWords:
    """The verb about a callback that says this."""
    return _ACCEPT_LEFT if verb is Verb.accept and outcome in LEAVES else VERBS[verb]


# Said at once when something else was done about a callback.
DONE = {
    "note": "The note is kept.",
    "claim": "You are on it.",
    "let go": "You let it go.",
    "hand on": "{name} has it.",
}
# Before a force that takes two people, and once the first has asked for it.
ASK_SECOND = "Ask a second person to force it"
TAKES_TWO = "Above {limit} it takes two people. You ask for it; nothing is forced until another one does it, here."
ASKED_SECOND = "A second person is asked. Nothing is forced until they do it."
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
    AttemptKind.first: "First attempt",
    AttemptKind.automatic: "Tried again by itself",
    AttemptKind.retry: "Retry",
    AttemptKind.forced: "Forced",
    AttemptKind.accepted: "Accepted",
    AttemptKind.part: "Taken as a part",
    AttemptKind.taken_too: "Taken too",
    AttemptKind.reopened: "Reopened",
    AttemptKind.owed: "Marked as owed back",
    AttemptKind.unowed: "Put back to be decided",
    AttemptKind.taken_back: "Taken out of the books",
    AttemptKind.chosen: "Payment chosen",
    AttemptKind.assigned: "Assigned to an order",
}
# The same while it is under way.
UNDER_WAY = {
    AttemptKind.retry: "Trying again",
    AttemptKind.forced: "Forcing",
    AttemptKind.reopened: "Reopening the order",
    AttemptKind.owed: "Booking it as owed back",
    AttemptKind.accepted: "Accepting it",
    AttemptKind.part: "Taking it as a part",
    AttemptKind.taken_too: "Taking it too",
    AttemptKind.unowed: "Putting it back to be decided",
    AttemptKind.taken_back: "Taking the payment out",
    AttemptKind.chosen: "Booking it of that payment",
    AttemptKind.assigned: "Assigning it",
}


def times(count: int) -> str:
    """ "once", "twice", "3 times"."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def past(act: str) -> str:
    """What an act did to a callback, as half a sentence: "removed"."""
    verb = Verb.named(act)
    return verb.past if verb else _PAST.get(act, act)


_PAST = {"test": "sent as a test", "ask to force": "put to a second person, to be forced,"}


def starts(verb: Verb, count: int, format_: Format = PLAIN) -> str:
    """The button that starts a run, naming what it does."""
    return VERBS[verb].starts.format(callbacks=format_.counted(count, "callback"))


def retries_some(may: int, beyond: int, format_: Format = PLAIN) -> str:
    """The same, where others are sure to fail once more: "Retry the 63 that may succeed". `beyond`: not looked at."""
    if beyond:
        return "Retry those that may succeed"
    return "Retry the one that may succeed" if may == 1 else f"Retry the {format_.number(may)} that may succeed"


def moved(verb: Verb, count: int, format_: Format = PLAIN) -> str:
    """What removing or restoring so many does."""
    one = count == 1
    words = {"leave": "leaves" if one else "leave", "come": "comes" if one else "come"}
    return VERBS[verb].moves.format(callbacks=format_.counted(count, "callback"), **words)


# A human act, as the list of them tells it.
ACTS = {
    "retry": "retried",
    "force": "forced",
    "ask to force": "asked a second person to force it",
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
    "log out everywhere": "logged out everywhere",
    "own password": "changed their own password",
    "log-ins held": "had log-ins held back: too many wrong passwords",
    "export": "downloaded a table",
    "import": "imported",
    "settings": "changed the settings",
    "send again": "had it sent again",
    "test alert": "sent a test alert",
    "test event": "sent the shop a test event",
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
    "own settings": "changed own settings",
    "note": "wrote a note",
    "take cause": "looked at a cause",
    "finish cause": "marked a cause as done",
    "claim": "took it on",
    "take over": "took it over",
    "hand on": "handed it on",
    "let go": "let it go",
    "evidence": "took its evidence page",
    "add shop": "added a shop",
    "archive requests": "took requests away into the archive",
    "bring back requests": "brought requests back from the archive",
    "new API token": "made an API token",
    "end API token": "ended an API token",
    "add user": "added a user",
    "deactivate user": "switched a user off",
    "activate user": "switched a user on",
    "set role": "changed a user's role",
    "set shops": "changed the shops a user sees",
    "set password": "set a user's password",
    "second factor": "set up a second factor",
    "end second factor": "switched their second factor off",
    "recovery codes": "made new recovery codes",
    "reset second factor": "reset a user's second factor",
    "connect provider": "logged in with the company's log-in for the first time",
    "failed code": "gave the right password and a wrong code",
    "invite": "invited somebody",
    "new invitation link": "made a new link of an invitation",
    "withdraw invitation": "took an invitation back",
    "accept invitation": "accepted an invitation",
    "end sessions": "logged a user out everywhere",
    "password link": "made a link for a user's new password",
    "forgot password": "asked for a new password by mail",
    "password by link": "set a new password by a link",
}
