"""What became of callbacks, attempts, orders and bulk runs, in words."""

from __future__ import annotations

from ..domain.states import Effect, OrderState, State
from ..domain.values import Outcome, Verdict
from .formats import PLAIN, Format, going_on

STATES = {
    State.received: "received",
    State.imported: "imported",
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
OUTCOMES = {outcome: str(outcome).replace("_", " ") for outcome in Outcome}
EFFECTS = {
    Effect.opened: "order opened",
    Effect.awaiting: "order awaits payment",
    Effect.cancelled: "order cancelled",
    Effect.refunded: "order refunded",
    Effect.partly_refunded: "partly refunded",
    Effect.recorded: "recorded",
    Effect.part_paid: "part paid",
    Effect.accepted: "accepted",
    Effect.taken_too: "taken too",
    Effect.reopened: "order reopened",
    Effect.owed: "payment owed back",
    Effect.refused: "try refused",
    Effect.refund_failed: "refund failed",
    Effect.disputed: "payment disputed",
    Effect.charged_back: "charged back",
    Effect.money_back: "chargeback reversed",
    Effect.taken_back: "payment taken out of the books",
    Effect.created: "order came in",
    Effect.replaced: "order replaced",
    Effect.handed_in_again: "order handed in again",
    Effect.expired: "order expired",
    Effect.settled: "money owed given back",
    Effect.try_ended: "try ended by hand",
    Effect.closed: "dealt with by hand",
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
    Effect.recorded: "Recorded on order {number}",
    Effect.part_paid: "Order {number} is part paid",
    Effect.accepted: "Order {number} opened: the sum is accepted",
    Effect.taken_too: "Order {number} took the payment too",
    Effect.refused: "Order {number}: the try was refused",
    Effect.refund_failed: "A refund of order {number} failed: it is owed",
    Effect.disputed: "A payment of order {number} is disputed",
    Effect.charged_back: "A payment of order {number} was charged back",
    Effect.money_back: "A chargeback of order {number} was reversed",
    Effect.taken_back: "The payment of order {number} is out of the books",
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
    Effect.recorded: ("is recorded", "are recorded"),
    Effect.part_paid: ("order is part paid", "orders are part paid"),
    Effect.accepted: ("order opens, its sum accepted", "orders open, their sums accepted"),
    Effect.taken_too: ("payment is taken too", "payments are taken too"),
    Effect.refused: ("try ends", "tries end"),
    Effect.refund_failed: ("refund failed: its sum is owed", "refunds failed: their sums are owed"),
    Effect.disputed: ("payment is disputed", "payments are disputed"),
    Effect.charged_back: ("payment is charged back", "payments are charged back"),
    Effect.money_back: ("chargeback is reversed", "chargebacks are reversed"),
    Effect.taken_back: ("payment leaves the books", "payments leave the books"),
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


def fails_again(cause: str) -> str:
    """Why a run passed one over."""
    return f"would fail again: {going_on(cause)}"


def first_failed(count: int) -> str:
    """Why a run stopped in one of its first stages."""
    return "The first one failed." if count == 1 else f"All of the next {count} failed."


def too_many_failed(failed: int, tried: int, share: int) -> str:
    return f"{PLAIN.number(failed)} of the last {PLAIN.number(tried)} failed: more than {share} %."


def may_no_more(name: str) -> str:
    return f"{name} may act here no more, and all of it is done in their name."


EVENTS = {str(effect): said for effect, said in EFFECTS.items()}


def event(kind: str) -> str:
    """What happened to an order, at the start of a line."""
    said = EVENTS.get(kind, kind)
    return said[:1].upper() + said[1:]
