"""How fast an API token may call, so that one program in a loop leaves the others their share."""

from __future__ import annotations

import time
from dataclasses import dataclass

from flask import current_app
from limits import RateLimitItemPerMinute
from limits.strategies import FixedWindowRateLimiter

from .counters import Counters

SPAN_S = 60


@dataclass(frozen=True)
class Window:
    """One minute of a token. `left`: how many calls it still may make in it; `over`: this one it may not."""

    calls: int
    left: int
    resets_s: int
    over: bool

    @property
    def headers(self) -> dict[str, str]:
        """As draft-ietf-httpapi-ratelimit-headers has them."""
        return {
            "RateLimit-Policy": f'"token";q={self.calls};w={SPAN_S}',
            "RateLimit": f'"token";r={self.left};t={self.resets_s}',
        }


class Pace:
    """So many calls a minute for each token, counted in Redis by all web processes together. 0: as many as they like.

    With Redis away nothing is counted: to hand an order in matters more than to be even.
    """

    def __init__(self, counters: Counters, per_minute: int) -> None:
        self._counters, self._per_minute = counters, per_minute

    def count(self, token_id: int) -> Window | None:
        """Counts one call; None where nothing is counted."""
        if not self._per_minute:
            return None
        return self._counters.shared(lambda counter: self._count(counter, str(token_id)), lambda: None)

    def _count(self, counter: FixedWindowRateLimiter, token: str) -> Window:
        limit = RateLimitItemPerMinute(self._per_minute)
        may = counter.hit(limit, "api", token)
        stats = counter.get_window_stats(limit, "api", token)
        resets_s = min(max(1, round(stats.reset_time - time.time())), SPAN_S)
        return Window(self._per_minute, max(stats.remaining, 0), resets_s, over=not may)


def pace() -> Pace:
    made: Pace = current_app.extensions["pace"]
    return made
