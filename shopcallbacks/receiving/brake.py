"""The brake: whose callbacks come in a rush and are not genuine hears the answers at a slower pace.

All of them are kept first, and looked at like any other; only the answer comes late, so that who waits for it sends
less meanwhile, and what is not genuine takes the machine from nobody.
"""

from __future__ import annotations

import time
from threading import Lock

# Answers to one account, of this process.
A_SECOND = 20
# No gateway hangs up within five seconds.
LONGEST_S = 1.0
# Of the process's connections. Who has more of them is answered at once, as ever.
MOST_HELD = 200


class Brake:
    def __init__(self) -> None:
        self._lock = Lock()
        self._free: dict[int, float] = {}  # when the next answer of an account may go out
        self._held = 0

    def hold(self, account_id: int) -> None:
        """Returns when it is the answer's turn: within `LONGEST_S`."""
        with self._lock:
            if self._held >= MOST_HELD:
                return
            self._held += 1
            wait = self._turn(account_id)
        try:
            time.sleep(wait)
        finally:
            with self._lock:
                self._held -= 1

    def _turn(self, account_id: int) -> float:
        """In how many seconds."""
        now = time.monotonic()
        at = min(max(self._free.get(account_id, now), now), now + LONGEST_S)
        self._free[account_id] = at + 1 / A_SECOND
        return at - now
