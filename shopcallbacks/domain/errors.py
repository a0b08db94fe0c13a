"""The closed set of reasons why a callback is unprocessed, the error that carries one, and verbs that are refused."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
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


class CallbackFailed(Exception):
    """A callback can't be processed: the reason, and one sentence for a manager."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Refused(Exception):
    """A verb that the state of things does not allow (any more): a sentence saying why."""


class Busy(Exception):
    """So much of it is being done already that this has to wait: not now, but in a moment."""
