"""The feed of order changes, fetched from the API or sent to the shop's endpoint."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, WithJsonSchema

from ..domain.states import SILENT, Effect, OrderState
from .base import Currency, Moment, Shape, Sum, Sums

KINDS = tuple(effect.value for effect in Effect if effect not in SILENT)
# Those that there are, and any text: a release of long ago told others, one to come may, and a test event's is `test`.
Kind = Annotated[str, WithJsonSchema({"anyOf": [{"type": "string", "enum": list(KINDS)}, {"type": "string"}]})]


class OrderChange(Shape):
    """One change of an order, with its figures just after it, in `order_currency`."""

    position: Annotated[str, Field(description="Its place in the shop's feed.")]
    kind: Annotated[Kind, Field(description="Why it changed. Pass over a kind you do not know: there may be more.")]
    order: Annotated[str, Field(description="The order's number.")]
    from_: Annotated[OrderState | None, Field(alias="from")]
    to: OrderState
    amount: Annotated[Sum | None, Field(description="What moved, in `currency`.")]
    currency: Currency | None
    transaction_id: str | None
    total: Sum
    paid: Sum
    given_back: Sum
    kept: Sum
    owed: Sum
    owed_other: Sums
    order_currency: Currency
    other_payment_waits: Annotated[bool, Field(description="Another payment of the order waits for a person.")]
    callback_id: int | None
    at: Moment


class OrderChanges(Shape):
    """A page of the feed."""

    events: list[OrderChange]
    cursor: Annotated[str, Field(description="The next `after`.")]
