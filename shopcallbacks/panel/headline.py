"""What a callback says of itself in a few words: why it waits, or what it did."""

from __future__ import annotations

from typing import Protocol

from ..callbacks.callback import Callback
from ..domain.errors import Conflict, Reason
from ..domain.states import State
from ..domain.values import Outcome, Verdict
from ..shops.accounts import GatewayAccount
from ..words.outcomes import EFFECTS
from ..words.reasons import cause


def headline(callback: Callback) -> str:
    """Why it waits, or what it did, in a few words."""
    if callback.state is State.received:
        return "Not looked at yet"
    if callback.state is State.imported:
        return "Imported, not processed"
    if callback.state is State.processed:
        return f"Processed: {EFFECTS[callback.effect]}" if callback.effect else "Processed"
    return why_it_waits(callback, callback.account) or "Removed before it was looked at"


class Waits(Protocol):
    """A callback, a message of it, an attempt, or the failure of one."""

    @property
    def reason(self) -> Reason | None: ...
    @property
    def conflict(self) -> Conflict | None: ...


def why_it_waits(found: Waits, account: GatewayAccount) -> str:
    """In a few words; empty where it does not."""
    return cause(found.reason, found.conflict, account.title, account.asks) if found.reason else ""


def claim(callback: Callback) -> str:
    """ "Stripe says" what is verified or was forced; of all else nobody knows who claims it."""
    gateway = callback.account.title
    if callback.outcome in (None, Outcome.unclear):
        return f"A callback to {gateway}'s address"
    forced = callback.verdict is Verdict.skipped and callback.state is State.processed
    if callback.verdict is Verdict.genuine or forced:
        return f"{gateway} says"
    return f"A callback to {gateway}'s address claims"
