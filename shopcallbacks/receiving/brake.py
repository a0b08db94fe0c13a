"""The brake: whose callbacks come in a rush and are not genuine hears the answers every two seconds, all together.

Each is kept first, and looked at like any other; only the answer comes late, so that who waits for it sends less
meanwhile. What they send then comes together, and is decided together: that costs a worker as much as one.
"""

from __future__ import annotations

from threading import Lock
from time import sleep, time

# By the clock, so that all web processes answer in the same moment. No gateway hangs up within five seconds.
EVERY_S = 2.0
# Of the process's connections. Who has more of them is answered at once, as ever.
MOST_HELD = 200


class Brake:
    def __init__(self) -> None:
        self._lock = Lock()
        self._held = 0

    def hold(self) -> None:
        """Returns when the answer may go out: within `EVERY_S`."""
        with self._lock:
            if self._held >= MOST_HELD:
                return
            self._held += 1
        try:
            sleep(EVERY_S - time() % EVERY_S)
        finally:
            with self._lock:
                self._held -= 1
