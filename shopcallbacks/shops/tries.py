"""Tries at what is secret, counted so that guessing stops (docs/decisions/log-ins.md)."""

from __future__ import annotations

import hashlib
import ipaddress
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from flask import current_app
from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from .counters import Counters

# Wrong passwords for one account from one network, or from one device it is known on: the more, the longer the wait.
PASSWORDS = parse_many("5 per minute; 10 per 10 minutes; 20 per hour")
# For one account from everywhere together; devices it is known on are not asked.
CEILING = parse_many("100 per hour")
# Wrong bearer tokens from one network. Right ones are never counted.
TOKENS = parse_many("30 per minute")
# Wrong codes of a second factor, as the ceiling: 20 tries an hour at one of 333,333.
CODES = parse_many("20 per hour")
# Letters to who forgot their password: to one address, and asked for from one network.
LETTERS = parse_many("3 per hour")
LETTERS_OF_ONE = parse_many("30 per hour")

T = TypeVar("T")


class Tries:
    """Counted in Redis, by all web processes together. With Redis away each of them counts for itself: guessing is
    then slowed down by as many times less as there are processes, and nobody is kept out who would not be.
    """

    def __init__(self, counters: Counters) -> None:
        self._shared = counters
        self._own = FixedWindowRateLimiter(MemoryStorage())

    def take(self, limits: Sequence[RateLimitItem], *whose: str) -> int:
        """Counts one try. Before the work, so that those made at once are counted too.

        0 where it may be made, else the seconds until the next may.
        """
        return self._count(lambda counter: _take(counter, limits, whose))

    def give_back(self, limits: Sequence[RateLimitItem], *whose: str) -> None:
        """The try that was taken was right: it does not count."""
        self._count(lambda counter: _give_back(counter, limits, whose))

    def _count(self, count: Callable[[FixedWindowRateLimiter], T]) -> T:
        return self._shared.shared(count, lambda: count(self._own))


def _take(counter: FixedWindowRateLimiter, limits: Sequence[RateLimitItem], whose: Sequence[str]) -> int:
    for limit in limits:
        if not counter.hit(limit, *whose):
            return max(1, round(counter.get_window_stats(limit, *whose).reset_time - time.time()))
    return 0


def _give_back(counter: FixedWindowRateLimiter, limits: Sequence[RateLimitItem], whose: Sequence[str]) -> None:
    for limit in limits:
        counter.hit(limit, *whose, cost=-1)


def tries() -> Tries:
    made: Tries = current_app.extensions["tries"]
    return made


def account_key(email: str) -> str:
    """What stands for an account where its address should not."""
    return hashlib.sha256(email.encode()).hexdigest()[:24]


def network(address: str | None) -> str:
    """What one customer of a provider has: the /24 or the /64 of the address."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    found = getattr(found, "ipv4_mapped", None) or found
    return str(ipaddress.ip_network((found, 24 if found.version == 4 else 64), strict=False))
