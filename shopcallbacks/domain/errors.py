"""The closed set of reasons why a callback is unprocessed, the error that carries one, and verbs that are refused."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a callback is unprocessed. Closed: each has its words and one next step in `words.reasons`."""

    not_genuine = "not_genuine"
    gateway_unreachable = "gateway_unreachable"
    unreadable = "unreadable"
    unclear = "unclear"
    order_not_found = "order_not_found"
    amount_mismatch = "amount_mismatch"
    currency_mismatch = "currency_mismatch"
    order_conflict = "order_conflict"
    account_disabled = "account_disabled"
    crashed = "crashed"


class Conflict(StrEnum):
    """Why a callback waits, closer than its reason where that leaves open what a person can do about it."""

    other_mode = "other_mode"  # a test callback for a live order, or the other way round
    other_account = "other_account"  # the order is to be paid by another gateway account
    other_order = "other_order"  # the movement of money is booked on another order
    paid_already = "paid_already"  # by another payment
    order_cancelled = "order_cancelled"
    order_refunded = "order_refunded"
    payment_gone = "payment_gone"  # the try has ended, and money of it is kept or owed
    payment_taken_out = "payment_taken_out"  # by a person, and now it is told again
    names_no_order = "names_no_order"  # nor a payment that we know
    which_payment = "which_payment"  # a refund or chargeback names none of several
    secret_retired = "secret_retired"  # signed with a secret of the account that had ended before it came
    secret_of_other_mode = "secret_of_other_mode"  # with a test account's secret on a live one, or the other way round
    secret_elsewhere = "secret_elsewhere"  # with the secret of another account of the shop
    mistimed = "mistimed"  # the signature fits, its time does not
    rewritten = "rewritten"  # the signature fits the body as it may have been before something on the way changed it

    @property
    def reason(self) -> Reason:
        """The one that it is closer than."""
        return _REASON_OF.get(self, Reason.order_conflict)


# Genuine, as far as can be seen, and turned away all the same: something of ours is to be put right.
OURS_TO_MEND = (
    Conflict.secret_retired,
    Conflict.secret_of_other_mode,
    Conflict.secret_elsewhere,
    Conflict.mistimed,
    Conflict.rewritten,
)
# What may pass by itself: tried again and again for some hours.
TRIED_AGAIN = (Reason.gateway_unreachable, Reason.order_not_found)
_REASON_OF = {
    Conflict.which_payment: Reason.unclear,
    Conflict.names_no_order: Reason.order_not_found,
    **dict.fromkeys(OURS_TO_MEND, Reason.not_genuine),
}


class CallbackFailed(Exception):
    """A callback can't be processed: the reason, one sentence for a manager, and the conflict where there is one."""

    def __init__(self, reason: Reason, detail: str = "", conflict: Conflict | None = None) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.conflict = conflict


class Refused(Exception):
    """A verb that the state of things does not allow (any more): a sentence saying why."""


class Busy(Exception):
    """So much of it is being done already that this has to wait: not now, but in a moment."""
