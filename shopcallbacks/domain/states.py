"""The closed sets of the product: states, kinds of attempts, verbs, effects. Values are the words in the database."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class OrderState(StrEnum):
    """Where an order stands. `temporary`: handed in by the shop, and no word from a gateway yet."""

    temporary = "temporary"
    awaiting_payment = "awaiting_payment"
    open = "open"
    cancelled = "cancelled"
    refunded = "refunded"


WAITING = frozenset({OrderState.temporary, OrderState.awaiting_payment})


class CancelledBy(StrEnum):
    """Who gave a cancelled order up. Only after a failed try does a payment open it again by itself."""

    failed_try = "try"
    expiry = "expiry"
    shop = "shop"


class Effect(StrEnum):
    """What a message, a person, the shop or the clock did to an order: told as an event of this name."""

    none = "none"  # never told
    repeated = "repeated"  # the same movement of money was booked before; never told

    awaiting = "awaiting"
    refused = "refused"  # a try ended, and the cancellation is held back
    cancelled = "cancelled"
    opened = "opened"
    reopened = "reopened"
    part_paid = "part_paid"
    accepted = "accepted"  # a person let another sum or currency be enough
    taken_too = "taken_too"  # a person let an open order take a further payment
    owed = "owed"  # a person left the order as it is: the payment is owed back to the customer
    recorded = "recorded"  # booked, and the order keeps what it kept
    partly_refunded = "partly_refunded"
    refunded = "refunded"
    refund_failed = "refund_failed"
    disputed = "disputed"
    charged_back = "charged_back"
    money_back = "money_back"  # a chargeback was reversed
    taken_back = "taken_back"  # a person took a payment that is gone out of the ledger

    created = "created"
    replaced = "replaced"
    handed_in_again = "handed_in_again"
    expired = "expired"
    settled = "settled"  # a person says that what was owed was given back
    try_ended = "try_ended"  # a person says that a pending payment will never end by itself

    closed = "closed"  # a person has dealt with the callback by hand: nothing was booked; never told


SILENT = frozenset({Effect.none, Effect.repeated, Effect.closed})
# By which an order that was not paid is.
OPENS = (Effect.opened, Effect.reopened, Effect.accepted)


class Entry(StrEnum):
    """What a row of the ledger books. The first five are movements that a gateway tells of."""

    payment = "payment"
    refund = "refund"
    chargeback = "chargeback"
    chargeback_reversal = "chargeback_reversal"
    refund_failure = "refund_failure"

    matching = "matching"  # money that had left before its payment was told is booked against it
    release = "release"  # the order was given up: what it kept is owed
    settlement = "settlement"  # a person says that what was owed was given back
    withdrawal = "withdrawal"  # a person took the payment out
    waiver = "waiver"  # a person let the rest go


class Column(StrEnum):
    """A column of the panel that can be left out, in the panel's order. Order, why and what can be done always stay."""

    age = "age"
    account = "account"
    transaction = "transaction"
    customer = "customer"
    arrived = "arrived"
    attempts = "attempts"
    amount = "amount"


class State(StrEnum):
    """Where a callback stands.

    `received`: kept, nothing has looked at it yet. `processed`: it did all it says. `unprocessed`: it did not, for its
    reason; it is tried again, or a person must do something. `invalid`: a person marked it so, and can restore it.
    `imported`: brought along from elsewhere; nothing looks at it until a person asks for it.
    """

    received = "received"
    imported = "imported"
    processed = "processed"
    unprocessed = "unprocessed"
    invalid = "invalid"


class AttemptKind(StrEnum):
    """Of an attempt: who wanted it."""

    first = "first"
    automatic = "automatic"
    retry = "retry"
    forced = "forced"
    accepted = "accepted"
    part = "part"
    taken_too = "taken_too"
    reopened = "reopened"
    owed = "owed"
    taken_back = "taken_back"
    unowed = "unowed"
    chosen = "chosen"
    assigned = "assigned"


BY_ITSELF = (AttemptKind.first, AttemptKind.automatic)


class Verb(StrEnum):
    """What a person does about a callback (`Callback.do`). All that the code knows of a verb stands in its line.

    `past`: "it can't be ... now". `needs_why`: only with a reason. `attempts`: the kind of attempt it asks for, whose
    outcome comes later; None where it asks for none. `rules`: the rules of money decide by it (`domain.money`).
    """

    past: str
    needs_why: bool
    attempts: AttemptKind | None
    rules: bool
    _opposite: str | None

    # name, past, needs_why, attempts, rules, opposite
    retry = "retry", "retried", False, AttemptKind.retry
    force = "force", "forced", True, AttemptKind.forced
    accept = "accept", "accepted", True, AttemptKind.accepted, True
    part = "part", "taken as a part", True, AttemptKind.part, True
    take_too = "take_too", "taken too", True, AttemptKind.taken_too, True
    reopen = "reopen", "reopened", True, AttemptKind.reopened, True
    owe = "owe", "marked as owed back", True, AttemptKind.owed, True, "unowe"
    unowe = "unowe", "decided anew", True, AttemptKind.unowed, True
    take_back = "take_back", "taken out", True, AttemptKind.taken_back, True
    choose = "choose", "given a payment", True, AttemptKind.chosen, True
    assign = "assign", "assigned to an order", True, AttemptKind.assigned
    close = "close", "closed as dealt with", True, None, False, "restore"
    remove = "remove", "removed", True, None, False, "restore"
    restore = "restore", "restored", False, None, False, "remove"

    def __new__(
        cls,
        name: str,
        past: str = "",
        needs_why: bool = True,
        attempts: AttemptKind | None = None,
        rules: bool = False,
        opposite: str | None = None,
    ) -> Self:
        verb = str.__new__(cls, name)
        verb._value_ = name
        verb.past, verb.needs_why, verb.attempts, verb.rules = past, needs_why, attempts, rules
        verb._opposite = opposite
        return verb

    @property
    def opposite(self) -> Verb | None:
        """The verb that takes it back."""
        return Verb(self._opposite) if self._opposite else None

    @property
    def of_one(self) -> bool:
        """It needs a word that holds for one callback only: never done to many at once."""
        return self in (Verb.choose, Verb.assign)

    @classmethod
    def named(cls, text: str) -> Verb | None:
        """None where it is the name of no verb."""
        return cls.__members__.get(text)

    @classmethod
    def asking(cls, kind: AttemptKind) -> Verb | None:
        """The verb that asks for an attempt of that kind; None of one that is made by itself."""
        return next((verb for verb in cls if verb.attempts is kind), None)


# As they are offered: what helps first, the gentlest first.
OFFERED = (
    Verb.unowe,
    Verb.restore,
    Verb.reopen,
    Verb.accept,
    Verb.part,
    Verb.take_back,
    Verb.choose,
    Verb.owe,
    Verb.take_too,
    Verb.assign,
    Verb.retry,
    Verb.force,
    Verb.close,
    Verb.remove,
)
BY_A_PERSON = tuple(verb.attempts for verb in Verb if verb.attempts)
# By which a person decides about what was checked before: nobody is asked once more.
RULINGS = {verb.attempts: verb for verb in Verb if verb.attempts and (verb.rules or verb is Verb.assign)}


class Lane(StrEnum):
    """A queue of the workers, by its name in Redis. None waits for another."""

    plain = "callbacks"  # callbacks that are decided at home
    asking = "asking"  # those whose gateway is asked
    outgoing = "outgoing"  # what goes out to shops and people

    @classmethod
    def for_callbacks(cls, asks: bool) -> Lane:
        """`asks`: whether the gateway is asked."""
        return cls.asking if asks else cls.plain


class WrongCall(StrEnum):
    """What was wrong with a call that was turned away at the door."""

    path = "path"  # below the shop's address, but nobody's
    token = "token"  # an account's address, but not with its token
    method = "method"  # the whole address, but not as its gateway calls
    too_large = "too_large"
