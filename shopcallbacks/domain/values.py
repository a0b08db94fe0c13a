"""The words of the product as plain values. Nothing here knows of a database, a web server or a clock."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

# ISO 4217: how many decimals a currency has, where it is not two.
_EXPONENTS = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}


def exponent(currency: str) -> int:
    """How many decimals ISO 4217 gives the currency (upper case)."""
    return _EXPONENTS.get(currency, 2)


def currencies_with(decimals: int) -> list[str]:
    """The currencies to which ISO 4217 gives so many decimals, where that is not two."""
    return [currency for currency, places in _EXPONENTS.items() if places == decimals]


class Outcome(StrEnum):
    """What a message says of a payment, in our words."""

    paid = "paid"
    pending = "pending"
    failed = "failed"
    cancelled = "cancelled"
    refunded = "refunded"
    refund_failed = "refund_failed"  # a refund that was told as done did not reach the customer
    disputed = "disputed"  # a dispute or inquiry was opened: no money moved
    charged_back = "charged_back"  # the bank took the money back
    chargeback_reversed = "chargeback_reversed"  # it brought it back, or the dispute ended for the shop
    ignored = "ignored"
    unclear = "unclear"


# Money that came in leaves again.
LEAVES = frozenset({Outcome.refunded, Outcome.charged_back})


class Verdict(StrEnum):
    """What the check of a callback found.

    `unreachable`: the gateway had to be asked and gave no answer; `skipped`: a person forced the callback.
    """

    genuine = "genuine"
    not_genuine = "not_genuine"
    unreachable = "unreachable"
    skipped = "skipped"


@dataclass(frozen=True)
class Money:
    """An amount in whole minor units of an ISO 4217 currency (upper case)."""

    minor: int
    currency: str

    @classmethod
    def of(cls, amount: Decimal, currency: str) -> Money | None:
        """From major units; None where it is no number, too large to keep, or has more decimals than the currency."""
        if not amount.is_finite() or abs(amount.adjusted()) > 18:
            return None
        minor = amount.scaleb(exponent(currency))
        return cls(int(minor), currency) if minor == int(minor) and abs(minor) < 2**63 else None

    @classmethod
    def known(cls, minor: int | None, currency: str | None) -> Money | None:
        """From two columns that may be empty."""
        return cls(minor, currency) if minor is not None and currency else None

    @property
    def amount(self) -> Decimal:
        """In major units, with all the currency's decimals."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def __str__(self) -> str:
        return f"{self.amount:,f} {self.currency}"


@dataclass(frozen=True)
class Request:
    """A gateway's HTTP request as it came. `headers` keeps order and repeats (Latin-1 text), `query` has no `?`."""

    method: str
    path: str
    query: bytes
    headers: tuple[tuple[str, str], ...]
    body: bytes
    address: str
    arrived_at: datetime

    def header_values(self, name: str) -> list[str]:
        """Every value of the header, in order; names are compared without case."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        """The header's value where it came exactly once, else None."""
        values = self.header_values(name)
        return values[0] if len(values) == 1 else None


@dataclass(frozen=True)
class Message:
    """What one callback says about one payment.

    `movement` names the movement of money the message is about: however many messages tell of it, it is booked once.
    Where it is None the transaction stands for it, else the order.
    `total`: the money is the sum so far (paid, refunded or charged back), not what this movement booked; it may be 0.
    `at_least`: the customer may have paid more than the order asks (interest of instalments).
    `part`: the gateway itself says that this is a part of what the order costs.
    `carries_on`: an earlier transaction id: the same try to pay under another id.
    `uncaptured`: of a `cancelled`: what was let go was never taken.
    `answer_by`: of a `disputed`: until when the gateway wants an answer; a date where it names the day only.
    `at`: the gateway's own time of what it tells (aware), never that of the delivery.
    `detail`: for `unclear`, one sentence for a manager saying what is not clear.
    `unreadable`: the content could not be read; `detail` says where reading stopped.
    """

    outcome: Outcome
    order_number: str | None = None
    transaction_id: str | None = None
    event_id: str | None = None
    money: Money | None = None
    test: bool | None = None
    movement: str | None = None
    total: bool = False
    at_least: bool = False
    part: bool = False
    carries_on: str | None = None
    uncaptured: bool = False
    answer_by: datetime | date | None = None
    at: datetime | None = None
    detail: str = ""
    unreadable: bool = False
    customer: str | None = None


@dataclass(frozen=True)
class Verification:
    """Whether a callback is from the gateway. `detail` is one sentence for a manager.

    `matched`: which secret of the account's list fitted (its index), None where no list was used.
    `unreadable`: not genuine because the place of the signature could not even be read.
    `mistimed`: the signature fits, and only its time is too far from the arrival.
    `delivery_id`: the gateway's id of this very delivery, where the same id with another body proves a forgery.
    `evidence`: what the gateway answered when it was asked, for `interpret`.
    """

    verdict: Verdict
    detail: str = ""
    matched: int | None = None
    unreadable: bool = False
    mistimed: bool = False
    delivery_id: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def genuine(cls, detail: str = "", **more: Any) -> Verification:
        return cls(Verdict.genuine, detail, **more)

    @classmethod
    def not_genuine(cls, detail: str, **more: Any) -> Verification:
        return cls(Verdict.not_genuine, detail, **more)

    @classmethod
    def unreachable(cls, detail: str) -> Verification:
        return cls(Verdict.unreachable, detail)

    @classmethod
    def skipped(cls) -> Verification:
        return cls(Verdict.skipped, "The check with the gateway was skipped by a manager.")


@dataclass(frozen=True)
class Ask:
    """A question to the gateway: one HTTP request. An answer that holds the bytes `keep_if` may be kept for a while."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    keep_if: bytes | None = None


@dataclass(frozen=True)
class Answer:
    """What a gateway answered to an `Ask`, whatever the status."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class NoAnswer:
    """The gateway could not be asked: `why` is half a sentence ("no answer in 10 s")."""

    why: str


# A verification that asks the gateway: yields each question, is sent the answer, returns the verification.
Asking = Generator[Ask, Answer | NoAnswer, Verification]


@dataclass(frozen=True)
class Reply:
    """What the gateway hears once its callback is stored."""

    status: int = 200
    body: str = ""
    content_type: str = "text/plain; charset=utf-8"


def read_id(text: str) -> int | None:
    """What an id, a place or a position can be, from an address or a form: up to 18 digits. None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
