"""A person's word on a callback, and the shop's on all its orders."""

from __future__ import annotations

from dataclasses import dataclass

from ..states import Verb


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
    """What a shop says of all its orders, and of all payments by one gateway account.

    `refusal_cancels_after`: seconds for which the cancellation after a refused try is held back.
    `payment_reopens`: a payment opens an order that only a failed try had cancelled.
    `parts`: smaller sums add up.
    `tolerance`: so small a difference is accepted, in minor units.
    """

    refusal_cancels_after: int = 0
    payment_reopens: bool = True
    parts: bool = False
    tolerance: int = 0
