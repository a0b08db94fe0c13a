"""Which verbs fit a callback that waits: by why it waits, and what it says."""

from __future__ import annotations

from datetime import datetime

from ..errors import OURS_TO_MEND, CallbackFailed, Conflict, Reason, Refused
from ..states import OrderState, Verb
from ..values import LEAVES, Message, Outcome
from .deciding import decide
from .decision import ALONE, Around
from .order import OrderFacts
from .words import Ruling, Settings

# Those that were checked with the gateway, or by its signature: a person may set them aside as dealt with.
GENUINE = frozenset(Reason) - {Reason.not_genuine, Reason.gateway_unreachable, Reason.account_disabled}

_BY_CONFLICT = {
    Conflict.other_mode: {Verb.assign},
    Conflict.other_account: {Verb.assign},
    Conflict.other_order: {Verb.assign},
    Conflict.paid_already: {Verb.take_too, Verb.owe},
    Conflict.order_cancelled: {Verb.reopen, Verb.accept, Verb.part, Verb.owe},
    Conflict.order_refunded: {Verb.reopen, Verb.accept, Verb.part, Verb.owe},
    Conflict.payment_gone: {Verb.take_back},
    Conflict.payment_taken_out: {Verb.reopen, Verb.accept, Verb.owe, Verb.take_too},
    Conflict.names_no_order: {Verb.assign},
    Conflict.which_payment: {Verb.choose},
    **{conflict: set() for conflict in OURS_TO_MEND},  # nothing is to be decided: a retry passes once it is put right
}

_BY_REASON = {
    Reason.order_not_found: {Verb.assign},
    Reason.unclear: {Verb.assign},
    Reason.amount_mismatch: {Verb.accept},
    Reason.currency_mismatch: {Verb.accept},
}

_OF_PAYMENTS = {
    Reason.amount_mismatch: {Verb.part, Verb.owe, Verb.reopen},
    Reason.currency_mismatch: {Verb.owe, Verb.reopen},
}

# What an order in such a state can't do with a payment.
_NOT_WHILE = {
    OrderState.temporary: {Verb.take_too, Verb.reopen},
    OrderState.awaiting_payment: {Verb.take_too, Verb.reopen},
    OrderState.open: {Verb.accept, Verb.part, Verb.reopen},
    OrderState.cancelled: {Verb.take_too},
    OrderState.refunded: {Verb.take_too},
}


def verbs_for(
    reason: Reason, conflict: Conflict | None, outcome: Outcome | None, state: OrderState | None = None
) -> frozenset[Verb]:
    """What a person can do with a callback that waits for this reason. `state`: of its order, if there is one.

    Sums are not looked at: `fitting` tells which of them do what they say for this very message.
    """
    verbs = {Verb.remove} | ({Verb.close} if reason in GENUINE else {Verb.retry})
    verbs |= _BY_CONFLICT[conflict] if conflict else _BY_REASON.get(reason, set())
    if outcome is Outcome.paid and not conflict:
        verbs |= _OF_PAYMENTS.get(reason, set())
    if outcome is Outcome.paid and state is not None:
        verbs -= _NOT_WHILE[state]
    return frozenset(verbs)


def causes_for(verb: Verb) -> list[tuple[Reason, Conflict | None, tuple[Outcome, ...]]]:
    """The reasons, conflicts and outcomes of those for which `verbs_for` has the verb, whatever their orders."""
    causes: list[tuple[Reason, Conflict | None]] = [(conflict.reason, conflict) for conflict in Conflict]
    found = []
    for reason, conflict in [*causes, *((reason, None) for reason in Reason)]:
        outcomes = tuple(outcome for outcome in Outcome if verb in verbs_for(reason, conflict, outcome))
        if outcomes:
            found.append((reason, conflict, outcomes))
    return found


def fitting(
    order: OrderFacts,
    message: Message,
    account: int,
    now: datetime,
    settings: Settings,
    failure: CallbackFailed,
    around: Around = ALONE,
) -> frozenset[Verb]:
    """Those of `verbs_for` that the rules do not refuse for this message: asked of the code that would do them.

    What needs a further word (*Choose the payment*, *Accept* of another currency) is there without it.
    """

    def fits(verb: Verb) -> bool:
        if verb is Verb.choose or (verb is Verb.accept and message.outcome in LEAVES):
            return True
        try:
            decide(order, message, account, now, settings, Ruling(verb), around)
        except Refused:
            return False
        except CallbackFailed:
            return verb is Verb.reopen  # it compares, and waits on with what differs
        return True

    offered = verbs_for(failure.reason, failure.conflict, message.outcome, order.state)
    return frozenset(verb for verb in offered if verb in _SHELLS or fits(verb))


_SHELLS = frozenset({Verb.assign, Verb.close, Verb.retry, Verb.remove})
