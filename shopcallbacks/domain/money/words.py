"""The words of money: closed sets, each named as the rules name it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class OrderState(StrEnum):
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


SILENT = frozenset({Effect.none, Effect.repeated})


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


class Verb(StrEnum):
    """What a person can do with a callback that waits."""

    accept = "accept"
    part = "part"
    take_too = "take_too"
    reopen = "reopen"
    owe = "owe"
    take_back = "take_back"
    choose = "choose"
    assign = "assign"  # to an order: the shell's
    close = "close"  # dealt with: the shell's
    retry = "retry"  # the shell's
    remove = "remove"  # not ours: the shell's


@dataclass(frozen=True)
class Ruling:
    """A person's word on one waiting message.

    `minor`: of an accepted refund or chargeback in another currency, its sum in minor units of the order's.
    `transaction`: of *Choose the payment*, which.
    """

    verb: Verb
    minor: int | None = None
    transaction: str | None = None


@dataclass(frozen=True)
class Settings:
    """What a shop says of all its orders.

    `refusal_cancels_after`: seconds for which the cancellation after a refused try is held back.
    `payment_reopens`: a payment opens an order that only a failed try had cancelled.
    `parts`: smaller sums add up.
    """

    refusal_cancels_after: int = 0
    payment_reopens: bool = True
    parts: bool = False
