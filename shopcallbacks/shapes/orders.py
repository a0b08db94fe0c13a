"""Orders as a shop hands them in, and as they are shown."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from ..domain.money import Life
from ..domain.states import CancelledBy, Entry, OrderState
from .base import Currency, Moment, Shape, Sum, Sums, Taken


class NewOrder(Taken):
    """A temporary order, as a shop hands it in before it sends the customer to the gateway."""

    number: Annotated[str, Field(description="Printable text of at most 100 characters.", examples=["251123163204-26"])]
    amount: Sum
    currency: Currency
    customer_email: Annotated[str | None, Field(description="At most 320 characters.")] = None
    gateway_account: Annotated[str | None, Field(description="The only account that may move the order.")] = None
    test: bool = False
    expires_at: Annotated[
        Moment | None,
        Field(description="In the future: then it is cancelled unless something is paid or a payment is under way."),
    ] = None


class Booking(Shape):
    """A row of the ledger."""

    kind: Entry
    amount: Sum
    currency: Currency
    movement: Annotated[str | None, Field(description="What the gateway calls this movement of money.")]
    callback_id: int | None
    at: Moment


class Payment(Shape):
    """One try to pay."""

    gateway_account: str
    transaction_ids: list[str | None]
    life: Life
    came_in: Sums
    taken: Annotated[Sum, Field(description="What the order counts as its own of it.")]
    given_back: Sum
    kept: Sum
    owed: Sums
    disputed: bool
    answer_by: Annotated[Moment | date | None, Field(description="Of a dispute: until then, or until that day.")]
    bookings: list[Booking]


class Order(Shape):
    """An order, as far as its payment goes. Figures are in its currency unless they name another."""

    number: str
    state: OrderState
    cancelled_by: CancelledBy | None
    amount: Sum
    currency: Currency
    paid: Annotated[Sum, Field(description="What the order took. Money that it did not take stands with its payment.")]
    given_back: Sum
    kept: Sum
    need: Annotated[Sum, Field(description="What it still wants.")]
    owed: Annotated[Sum, Field(description="Money that is with the shop and is the customer's.")]
    owed_other: Sums
    test: bool
    customer_email: str | None
    expires_at: Moment | None
    created_at: Moment
    changed_at: Moment
    payments: list[Payment]
