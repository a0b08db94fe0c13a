"""Callbacks as programs read them: what a viewer sees, card numbers starred and secrets hidden; and a verb's body."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ..domain.errors import Conflict, Reason
from ..domain.states import AttemptKind, Effect, OrderState, State, Verb
from ..domain.values import Outcome, Verdict
from .base import Currency, Moment, Shape, Sum, Taken


class Callback(Shape):
    """A callback as a row of the panel tells it. What it claims is verified only where `verdict` is `genuine`."""

    id: int
    version: Annotated[int, Field(description="Another one once it has moved on.")]
    received_at: Moment
    gateway_account: str
    gateway: str
    state: State
    reason: Annotated[Reason | None, Field(description="Why it waits.")]
    conflict: Annotated[Conflict | None, Field(description="The same, closer.")]
    headline: Annotated[str, Field(description="Why it waits, or what it did, in English.")]
    detail: str
    verdict: Verdict | None
    outcome: Annotated[Outcome | None, Field(description="What it says of the payment.")]
    effect: Effect | None
    order: Annotated[str | None, Field(description="The order's number, as the callback names it.")]
    order_state: OrderState | None
    transaction_id: str | None
    event_id: str | None
    amount: Sum | None
    currency: Currency | None
    test: bool | None
    customer: str | None
    attempt_count: int
    due_at: Annotated[Moment | None, Field(description="When it is tried next.")]
    verbs: Annotated[list[Verb], Field(description="What this token could do about it now.")]


class Attempt(Shape):
    """One run over a callback. `asked_by`: who wanted it, where it was not made by itself."""

    number: int
    kind: AttemptKind
    asked_by: str | None
    why: str | None
    at: Moment
    verdict: Verdict | None
    outcome: Outcome | None
    effect: Effect | None
    reason: Reason | None
    conflict: Conflict | None
    detail: str


class Act(Shape):
    """What somebody did about a callback."""

    who: str
    verb: str
    why: str
    what: str
    at: Moment


class Request(Shape):
    """What came, made readable: at most 64 KiB of it, without what is secret. Bytes that are no text are a hex dump."""

    path: str
    query: str
    headers: list[tuple[str, str]]
    body: str
    body_bytes: int
    sha256: Annotated[str, Field(description="Of query and body, byte for byte, with the query's length before them.")]


class WholeCallback(Callback):
    """A callback with all that was tried and done about it, and the request."""

    attempts: list[Attempt]
    acts: list[Act]
    request: Annotated[Request | None, Field(description="Null while its month is in the archive.")]


class Callbacks(Shape):
    """A page of callbacks."""

    callbacks: list[Callback]
    after: Annotated[str | None, Field(description="The next page's `after`; null on the last.")]


class Asked(Taken):
    """What is said with a verb. `payment`, `sum` and `order` only where the verb wants them."""

    why: Annotated[str, Field(max_length=500, description="The reason. Only *retry* and *restore* do without.")] = ""
    version: Annotated[int | None, Field(ge=0, le=2**53, description="That you saw: 409 if it has moved on.")] = None
    payment: Annotated[str | None, Field(description="*choose*, *accept*: its transaction id, as shown.")] = None
    sum: Annotated[Sum | None, Field(description="*accept* in another currency: what counts, in the order's.")] = None
    order: Annotated[str | None, Field(description="*assign*: the order's number.")] = None
