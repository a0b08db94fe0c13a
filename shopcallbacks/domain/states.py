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
    """What a row of an order's ledger books: money that came in, or money that was given back."""

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
    """Where a callback stands.

    `received`: kept, nothing has looked at it yet. `processed`: it did all it says. `unprocessed`: it did not, for its
    reason; it is tried again, or a person must do something. `invalid`: a person marked it so, and can restore it.
    """

    received = "received"
    processed = "processed"
    unprocessed = "unprocessed"
    invalid = "invalid"


class AttemptKind(StrEnum):
    """Of an attempt: who wanted it."""

    first = "first"
    automatic = "automatic"
    retry = "retry"
    forced = "forced"
    reopened = "reopened"
    owed = "owed"


BY_ITSELF = (AttemptKind.first, AttemptKind.automatic)


class Verb(StrEnum):
    """What a person does about a callback (`Callback.do`). All that the code knows of a verb stands in its line.

    `past`: "it can't be ... now". `needs_why`: only with a reason. `attempts`: the kind of attempt it asks for, whose
    outcome comes later; None where it asks for none. `ruling`: what it decides about a payment that no order takes.
    """

    past: str
    needs_why: bool
    attempts: AttemptKind | None
    ruling: Ruling | None
    _opposite: str | None

    # name, past, needs_why, attempts, ruling, opposite
    retry = "retry", "retried", False, AttemptKind.retry
    force = "force", "forced", True, AttemptKind.forced
    reopen = "reopen", "reopened", True, AttemptKind.reopened, Ruling.reopen
    owe = "owe", "marked as owed back", True, AttemptKind.owed, Ruling.owe
    remove = "remove", "removed", True, None, None, "restore"
    restore = "restore", "restored", False, None, None, "remove"

    def __new__(
        cls,
        name: str,
        past: str = "",
        needs_why: bool = True,
        attempts: AttemptKind | None = None,
        ruling: Ruling | None = None,
        opposite: str | None = None,
    ) -> Self:
        verb = str.__new__(cls, name)
        verb._value_ = name
        verb.past, verb.needs_why, verb.attempts, verb.ruling = past, needs_why, attempts, ruling
        verb._opposite = opposite
        return verb

    @property
    def opposite(self) -> Verb | None:
        """The verb that takes it back."""
        return Verb(self._opposite) if self._opposite else None

    @classmethod
    def rulings(cls) -> tuple[Verb, ...]:
        """Those that decide about a payment that no order takes."""
        return tuple(verb for verb in cls if verb.ruling)

    @classmethod
    def named(cls, text: str) -> Verb | None:
        """None where it is the name of no verb."""
        return cls.__members__.get(text)

    @classmethod
    def asking(cls, kind: AttemptKind) -> Verb | None:
        """The verb that asks for an attempt of that kind; None of one that is made by itself."""
        return next((verb for verb in cls if verb.attempts is kind), None)


BY_A_PERSON = tuple(verb.attempts for verb in Verb if verb.attempts)
# What a person decided with it about a payment that no order takes.
RULINGS = {verb.attempts: verb.ruling for verb in Verb if verb.attempts and verb.ruling}


class Lane(StrEnum):
    """A queue of the workers, by its name in Redis. None waits for another."""

    plain = "callbacks"  # callbacks that are decided at home
    asking = "asking"  # those whose gateway is asked
    outgoing = "outgoing"  # what goes out to shops and people

    @classmethod
    def for_callbacks(cls, asks: bool) -> Lane:
        """`asks`: whether the gateway is asked."""
        return cls.asking if asks else cls.plain
