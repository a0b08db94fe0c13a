"""A payment: all that was told under one transaction of one gateway account about one order, one try to pay."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum


class Life(StrEnum):
    """Whether more is to be expected of a try. `unheard`: nothing was told of the payment itself yet."""

    unheard = "unheard"
    alive = "alive"
    ended = "ended"
    booked = "booked"
    taken_out = "taken_out"


class Dispute(StrEnum):
    open = "open"
    over = "over"


@dataclass(frozen=True)
class Payment:
    """One try to pay, under all the ids that gateways gave it.

    `transactions`: its ids, the first told first; None is the id of a payment whose messages name none.
    `began_at`, `ended_at`: the gateway's own times (aware), of the last beginning and of the last end.
    `heard_at`: our time of the last word of the try, for those that live on without any.
    `dispute`: None where none was told. `answer_by`: until when the gateway wants an answer to the one that is open; a
    date where it named a day.
    """

    account: int
    transactions: tuple[str | None, ...]
    life: Life = Life.unheard
    began_at: datetime | None = None
    ended_at: datetime | None = None
    heard_at: datetime | None = None
    dispute: Dispute | None = None
    answer_by: datetime | date | None = None

    @property
    def alive(self) -> bool:
        return self.life is Life.alive

    @property
    def over(self) -> bool:
        """It has ended, by the gateway's word or by a person's who took it out."""
        return self.life in (Life.ended, Life.taken_out)

    def known_as(self, account: int, transaction: str | None) -> bool:
        return self.account == account and transaction in self.transactions

    def out_of_dispute(self) -> Payment:
        """The dispute, if there was one, is over: the bank took the money, or the shop kept it."""
        return replace(self, dispute=Dispute.over, answer_by=None) if self.dispute else self

    def joined(self, other: Payment) -> Payment:
        """Both are one. What is booked stays booked, and what has ended has ended under either id, unless by the
        gateway's own time the other one began later.
        """
        one, two = sorted((self, other), key=lambda payment: _RANK.index(payment.life))
        if one.life is Life.ended and two.alive and later(two.began_at, one.ended_at):
            one, two = two, one
        return replace(
            one,
            transactions=tuple(dict.fromkeys((*self.transactions, *other.transactions))),
            began_at=latest(one.began_at, two.began_at),
            ended_at=latest(one.ended_at, two.ended_at),
            heard_at=latest(one.heard_at, two.heard_at),
            dispute=max((d for d in (one.dispute, two.dispute) if d), default=None),
            answer_by=one.answer_by or two.answer_by,
        )


_RANK = (Life.taken_out, Life.booked, Life.ended, Life.alive, Life.unheard)


def later(one: datetime | None, two: datetime | None) -> bool:
    """Whether the first is known to be later; where either is not known nothing is compared."""
    return one is not None and two is not None and one > two


def latest(one: datetime | None, two: datetime | None) -> datetime | None:
    """The later of those that are known."""
    return max(one, two) if one and two else one or two
