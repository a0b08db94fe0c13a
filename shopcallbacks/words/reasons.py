"""Why a callback waits, in words: a headline, one next step and an advice for each reason."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ..domain.errors import Reason
from ..domain.states import PAID_BUT


class NextStep(StrEnum):
    """What to do first about a reason, as its button says it."""

    retry = "Retry"
    see_why = "See why"
    look = "Look"
    compare = "Compare"
    decide = "Decide"
    settings = "Open settings"


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
        "Switch the account on again, then retry.",
    ),
    Reason.crashed: ReasonWords(
        "Something broke on our side", NextStep.retry, "red", "It is kept safe. Retry; tell the admins."
    ),
}


def cause(reason: Reason, gateway: str, asks: bool, detail: str) -> str:
    """Why it waits. `asks`: the gateway was asked; `detail`: what is known of a conflict."""
    if reason is Reason.not_genuine and asks:
        return f"{gateway} says it did not send this"
    if reason is Reason.order_conflict and detail.startswith(PAID_BUT):
        return ",".join(detail.rstrip(".").split(",")[:2])
    return REASONS[reason].headline.format(gateway=gateway)


# Why forcing can't help.
WHY_NOT = {
    "not_the_check": "Forcing skips the check with {gateway}, nothing else, and it is not that check that keeps it.",
    "silent": "{gateway}'s callback only rings: what it is about must be asked for, so there is nothing to force.",
    "fails": "Forcing skips the check with {gateway}, nothing else, and it would fail again. {failure}",
}
