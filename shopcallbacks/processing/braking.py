"""When the door brakes: where many callbacks of an account were found not to be genuine within seconds.

Each worker sees what it decided itself, and tells the door by the account's `braked_until`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import update

from ..clock import NOW
from ..domain.errors import Reason
from ..domain.states import AttemptKind
from ..extensions import db
from ..shops.accounts import GatewayAccount
from .results import Tried

# So many within so long are no slip of anybody's.
MANY, WITHIN_S = 20, 10.0
LASTS = timedelta(minutes=10)


class Braking:
    """What was not genuine lately, by account."""

    def __init__(self) -> None:
        self._until = 0.0
        self._seen: Counter[int] = Counter()

    def note(self, tried: Iterable[Tried]) -> set[int]:
        """The accounts for which it has become many; each once within `WITHIN_S`."""
        if (now := time.monotonic()) >= self._until:
            self._until = now + WITHIN_S
            self._seen.clear()
        forged = Counter(one.due.account_id for one in tried if _came_forged(one))
        before = {account_id: self._seen[account_id] for account_id in forged}
        self._seen += forged
        return {account_id for account_id in forged if before[account_id] < MANY <= self._seen[account_id]}


def _came_forged(one: Tried) -> bool:
    """Just now: what a person retries among many is no rush of the gateway's."""
    failure = one.finding.failure
    return one.due.kind is AttemptKind.first and failure is not None and failure.reason is Reason.not_genuine


def brake(account_ids: set[int]) -> None:
    """From now on, for a while; goes on as long as it is said again."""
    of_them = update(GatewayAccount).where(GatewayAccount.id.in_(account_ids))
    db.session.execute(of_them.values(braked_until=NOW + LASTS), execution_options={"synchronize_session": False})
