"""Why a callback waits, in words: a headline, one next step and an advice for each reason."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from ..domain.errors import Conflict, Reason
from .formats import going_on


class NextStep(StrEnum):
    """What to do first about a reason, as its button says it."""

    retry = "Retry"
    see_why = "See why"
    look = "Look"
    compare = "Compare"
    decide = "Decide"
    settings = "Open settings"
    put_back = "Put the secret back"
    mend = "Put it right"
    ask_admin = "Ask an admin"

    @property
    def mends(self) -> bool:
        """Something of ours is to be put right, by an admin."""
        return self in (NextStep.put_back, NextStep.mend, NextStep.ask_admin)


@dataclass(frozen=True)
class ReasonWords:
    """A reason as a manager reads it. `step`: its one next step; `dot`: its colour, never without the words."""

    headline: str
    step: NextStep
    dot: str
    advice: str


REASONS: dict[Reason, ReasonWords] = {
    Reason.gateway_unreachable: ReasonWords(
        "{gateway} could not be reached", NextStep.retry, "red", "Retry once {gateway} answers again."
    ),
    Reason.not_genuine: ReasonWords(
        "Signature does not match",
        NextStep.see_why,
        "orange",
        "Look why before you force it: whoever can't sign may be anybody.",
    ),
    Reason.unreadable: ReasonWords(
        "Can't be read", NextStep.look, "red", "Look at the original. If it is no callback, remove it."
    ),
    Reason.unclear: ReasonWords(
        "The answer is not clear", NextStep.look, "orange", "Look the payment up in {gateway} and decide there."
    ),
    Reason.order_not_found: ReasonWords(
        "No such order", NextStep.look, "azure", "Check the order number in your shop; once the order is here, retry."
    ),
    Reason.amount_mismatch: ReasonWords(
        "Amount differs from the order", NextStep.compare, "yellow", "Compare with the order; nothing was booked."
    ),
    Reason.currency_mismatch: ReasonWords(
        "Currency differs from the order", NextStep.compare, "yellow", "Compare with the order; nothing was booked."
    ),
    Reason.order_conflict: ReasonWords(
        "It conflicts with the order",
        NextStep.decide,
        "purple",
        "Decide: let the order take the payment, refund it in {gateway}, or deal with it in your shop.",
    ),
    Reason.account_disabled: ReasonWords(
        "This gateway account is switched off",
        NextStep.settings,
        "secondary",
        "Have an admin switch the account on again, then retry.",
    ),
    Reason.crashed: ReasonWords(
        "Something broke on our side", NextStep.retry, "red", "It is kept safe. Retry; tell the admins."
    ),
}


# The same, closer, where more is known of why it waits.
CONFLICTS: dict[Conflict, ReasonWords] = {
    Conflict.other_mode: ReasonWords(
        "A test callback for a live order, or the other way round",
        NextStep.look,
        "azure",
        "Look which of the two is wrong: the order's mode, or the account's.",
    ),
    Conflict.other_account: ReasonWords(
        "The order is to be paid by another gateway account",
        NextStep.look,
        "azure",
        "Assign it to the order it belongs to.",
    ),
    Conflict.other_order: ReasonWords(
        "Booked on another order already",
        NextStep.look,
        "azure",
        "Look at both orders, and assign it where it belongs.",
    ),
    Conflict.paid_already: ReasonWords(
        "Paid, but the order is paid already",
        NextStep.decide,
        "purple",
        "Decide: take it too, or give it back as a second payment.",
    ),
    Conflict.order_cancelled: ReasonWords(
        "Paid, but the order is cancelled",
        NextStep.decide,
        "purple",
        "Decide: reopen the order, or give the payment back.",
    ),
    Conflict.order_refunded: ReasonWords(
        "Paid, but the order is refunded",
        NextStep.decide,
        "purple",
        "Decide: reopen the order, or give the payment back.",
    ),
    Conflict.payment_gone: ReasonWords(
        "The payment of the order is gone",
        NextStep.decide,
        "red",
        "Look the payment up in {gateway}; if it is gone, take it out of the books.",
    ),
    Conflict.payment_taken_out: ReasonWords(
        "Paid, but the payment was taken out of the books",
        NextStep.decide,
        "purple",
        "Look the payment up in {gateway}, and decide anew.",
    ),
    Conflict.names_no_order: ReasonWords(
        "Names no order", NextStep.look, "azure", "Assign it to its order, or mark it as dealt with."
    ),
    Conflict.which_payment: ReasonWords(
        "Of which payment?", NextStep.decide, "purple", "Choose the payment of which it was given back."
    ),
    Conflict.secret_retired: ReasonWords(
        "Signed with a secret you have retired",
        NextStep.put_back,
        "blue",
        "It is as good as genuine. Put the secret back, then retry.",
    ),
    Conflict.secret_of_other_mode: ReasonWords(
        "Signed with a test account's secret, or the other way round",
        NextStep.mend,
        "blue",
        "{gateway} calls the wrong one of your two addresses, or the secrets are mixed up.",
    ),
    Conflict.secret_elsewhere: ReasonWords(
        "Signed with another account's secret",
        NextStep.mend,
        "blue",
        "{gateway} calls the wrong one of your addresses, or the secrets are mixed up.",
    ),
    Conflict.mistimed: ReasonWords(
        "The signature fits, its time does not",
        NextStep.mend,
        "blue",
        "A clock is wrong, {gateway} sends late, or somebody sends an old one again.",
    ),
    Conflict.rewritten: ReasonWords(
        "Changed on the way here",
        NextStep.mend,
        "blue",
        "Something between {gateway} and us changes what it sends.",
    ),
}


def words_of(reason: Reason, conflict: Conflict | None) -> ReasonWords:
    """The closest there are."""
    return CONFLICTS[conflict] if conflict else REASONS[reason]


def cause(reason: Reason, conflict: Conflict | None, gateway: str, asks: bool) -> str:
    """Why it waits, in a few words. `asks`: the gateway was asked."""
    if reason is Reason.not_genuine and asks and conflict is None:
        return f"{gateway} says it did not send this"
    return words_of(reason, conflict).headline.format(gateway=gateway)


def cause_of_any(reason: Reason, conflict: Conflict | None, gateways: Collection[tuple[str, bool]]) -> str:
    """Why those of all these gateways wait, as `cause` says it of each. `gateways`: title, and whether it asks."""
    title = next(iter(gateways))[0] if len(gateways) == 1 else "The gateway"
    first, *others = dict.fromkeys(cause(reason, conflict, title, asks) for _, asks in gateways or [(title, False)])
    return ", or ".join([first, *map(going_on, others)])


# Why it is not forced among many.
ONE_BY_ONE = {
    "failed": "The check with {gateway} failed. Force one by one, each once you have seen it in {gateway}.",
    "two": "Above {limit} it takes two people to force, one by one.",
}


def still(reason: Reason, conflict: Conflict | None, gateway: str, asks: bool) -> str:
    """What a retry in vain has shown."""
    if reason is Reason.not_genuine and asks:
        return f"{gateway} still says no"
    if reason is Reason.not_genuine:
        return "the signature still does not match"
    if reason is Reason.gateway_unreachable:
        return f"{gateway} still can't be reached"
    if reason is Reason.order_not_found:
        return "there is still no such order"
    return f"still as before. {cause(reason, conflict, gateway, asks)}"


# Why forcing can't help.
WHY_NOT = {
    "not_the_check": "Forcing skips the check with {gateway}, nothing else, and it is not that check that keeps it.",
    "silent": "{gateway}'s callback only rings: what it is about must be asked for, so there is nothing to force.",
    "fails": "Forcing skips the check with {gateway}, nothing else, and it would fail again. {failure}",
}
