"""What became of callbacks, attempts, orders and bulk runs, in words."""

from __future__ import annotations

from ..domain.states import Effect, OrderState, State
from ..domain.values import Outcome, Verdict
from .formats import PLAIN, Format

STATES = {
    State.received: "received",
    State.processed: "processed",
    State.unprocessed: "unprocessed",
    State.invalid: "invalid",
}
ORDER_STATES = {
    OrderState.temporary: "temporary",
    OrderState.awaiting_payment: "awaiting payment",
    OrderState.open: "open",
    OrderState.cancelled: "cancelled",
    OrderState.refunded: "refunded",
}
OUTCOMES = {outcome: str(outcome) for outcome in Outcome}
EFFECTS = {
    Effect.opened: "order opened",
    Effect.awaiting: "order awaits payment",
    Effect.cancelled: "order cancelled",
    Effect.refunded: "order refunded",
    Effect.partly_refunded: "partly refunded",
    Effect.recorded: "refund recorded",
    Effect.reopened: "order reopened",
    Effect.owed: "payment owed back",
    Effect.repeated: "told before, no effect",
    Effect.none: "no effect",
}
# What came of an attempt, for who waits for it.
RESULTS = {
    Effect.opened: "Order {number} opened",
    Effect.awaiting: "Order {number} awaits payment",
    Effect.cancelled: "Order {number} cancelled",
    Effect.refunded: "Order {number} refunded",
    Effect.partly_refunded: "Order {number} partly refunded",
    Effect.recorded: "Refund recorded on order {number}",
    Effect.reopened: "Order {number} reopened",
    Effect.owed: "The payment for order {number} is owed back",
}
VERDICTS = {
    Verdict.genuine: "genuine",
    Verdict.not_genuine: "not genuine",
    Verdict.unreachable: "could not be asked",
    Verdict.skipped: "check skipped",
}
# What messages would do to orders: one, many.
WOULD = {
    Effect.opened: ("order opens", "orders open"),
    Effect.awaiting: ("order awaits payment", "orders await payment"),
    Effect.cancelled: ("order is cancelled", "orders are cancelled"),
    Effect.refunded: ("order is refunded", "orders are refunded"),
    Effect.partly_refunded: ("order is partly refunded", "orders are partly refunded"),
    Effect.recorded: ("refund is recorded", "refunds are recorded"),
    Effect.reopened: ("order reopens", "orders reopen"),
    Effect.owed: ("payment is owed back to its customer", "payments are owed back to their customers"),
    Effect.repeated: ("was told before: no effect", "were told before: no effect"),
    Effect.none: ("has no effect on an order", "have no effect on orders"),
}
RUN_STATES = {
    "running": "running",
    "paused": "paused",
    "stopped": "stopped by itself",
    "cancelled": "cancelled",
    "done": "done",
}
ITEM_STATES = {
    "waiting": "not done",
    "asked": "under way",
    "succeeded": "succeeded",
    "failed": "failed",
    "skipped": "skipped",
}


def would(effect: Effect, count: int, format_: Format = PLAIN) -> str:
    """ "12 orders open"."""
    one, many = WOULD[effect]
    return f"{format_.number(count)} {one if count == 1 else many}"


def came(effect: Effect | None) -> str:
    """What came of an attempt that succeeded, the same for all with that effect."""
    return EFFECTS[effect] if effect else EFFECTS[Effect.none]


def first_failed(count: int) -> str:
    """Why a run stopped in one of its first stages."""
    return "The first one failed." if count == 1 else f"All of the next {count} failed."


def too_many_failed(failed: int, tried: int, share: int) -> str:
    return f"{PLAIN.number(failed)} of the last {PLAIN.number(tried)} failed: more than {share} %."


EVENTS = {
    "created": "order came in",
    "settled": "money owed given back",
    **{str(effect): said for effect, said in EFFECTS.items()},
}


def event(kind: str) -> str:
    """What happened to an order, at the start of a line."""
    said = EVENTS.get(kind, kind)
    return said[:1].upper() + said[1:]
