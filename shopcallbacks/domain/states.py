"""The closed sets of the product: states, kinds of attempts, verbs, effects. Values are the words in the database."""

from __future__ import annotations

from enum import StrEnum


class OrderState(StrEnum):
    temporary = "temporary"
    awaiting_payment = "awaiting_payment"
    open = "open"
    cancelled = "cancelled"
    refunded = "refunded"


class Effect(StrEnum):
    """What a message did."""

    opened = "opened"
    awaiting = "awaiting"
    cancelled = "cancelled"
    refunded = "refunded"
    partly_refunded = "partly_refunded"
    recorded = "recorded"  # a refund booked on an order that holds no money (yet)
    reopened = "reopened"  # a person let the order take the payment after all
    owed = "owed"  # a person left the order as it is: the payment is owed back to the customer
    repeated = "repeated"  # the same movement of money was booked before
    none = "none"


OPENS = (Effect.opened, Effect.reopened)


class Ruling(StrEnum):
    """What a person decides about a payment that the table leaves to one."""

    reopen = "reopen"
    owe = "owe"


# How the detail of each conflict begins that a ruling can settle: money came in, and the order does not take it.
PAID_BUT = "Paid, but"


class Entry(StrEnum):
    payment = "payment"
    refund = "refund"


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
    received = "received"
    processed = "processed"
    unprocessed = "unprocessed"
    invalid = "invalid"


class Kind(StrEnum):
    """Of an attempt: who wanted it."""

    first = "first"
    automatic = "automatic"
    retry = "retry"
    forced = "forced"
    reopened = "reopened"
    owed = "owed"


BY_ITSELF = (Kind.first, Kind.automatic)
BY_A_PERSON = (Kind.retry, Kind.forced, Kind.reopened, Kind.owed)
# What a person decided with it about a payment that no order takes.
RULINGS = {Kind.reopened: Ruling.reopen, Kind.owed: Ruling.owe}


class Verb(StrEnum):
    """What is done to each; the names are those of `Callback`'s own verbs."""

    retry = "retry"
    force = "force"
    reopen = "reopen"
    owe = "owe"
    remove = "remove"
    restore = "restore"

    @property
    def needs_why(self) -> bool:
        return self not in (Verb.retry, Verb.restore)

    @property
    def attempts(self) -> Kind | None:
        """The kind of attempt it asks for, whose outcome comes later; None where it asks for none."""
        return _ATTEMPTS.get(self)


_ATTEMPTS = {Verb.retry: Kind.retry, Verb.force: Kind.forced, Verb.reopen: Kind.reopened, Verb.owe: Kind.owed}


class WrongCall(StrEnum):
    """What was wrong with a call that was turned away at the door."""

    path = "path"  # below the shop's address, but nobody's
    token = "token"  # an account's address, but not with its token
    method = "method"  # the whole address, but not as its gateway calls
    too_large = "too_large"
