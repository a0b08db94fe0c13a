"""Tries are counted before the work, by account and network."""

from __future__ import annotations

import pytest
from flask import Flask
from limits import parse_many

from shopcallbacks.shops.counters import Counters
from shopcallbacks.shops.tries import CEILING, PASSWORDS, Tries, network, tries

LIMITS = parse_many("2 per minute; 3 per hour")


@pytest.mark.parametrize(
    ("address", "of"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        (None, "unknown"),
        ("made up", "unknown"),
    ],
)
def test_a_network_is_what_one_customer_has(address: str | None, of: str) -> None:
    assert network(address) == of


def test_the_first_limit_that_is_reached_says_how_long_to_wait(app: Flask) -> None:
    assert [tries().take(LIMITS, "a") for _ in range(2)] == [0, 0]
    assert 0 < tries().take(LIMITS, "a") <= 60
    assert tries().take(LIMITS, "b") == 0


def test_whoever_waited_the_minute_out_waits_longer_for_the_next(app: Flask) -> None:
    """What is held back by the minute is not counted by the hour."""
    hour = LIMITS[-1]
    for _ in range(5):
        tries().take(LIMITS, "a")
    assert tries().take([hour], "a") == 0
    assert tries().take([hour], "a") > 60


def test_what_is_given_back_does_not_count(app: Flask) -> None:
    for _ in range(20):
        assert tries().take(LIMITS, "a") == 0
        tries().give_back(LIMITS, "a")


def test_all_processes_count_together(app: Flask) -> None:
    counters = Counters(app.config["REDIS_URL"])
    others = Tries(counters)
    assert [one.take(LIMITS, "a") > 0 for one in (others, tries(), others, tries())] == [False, False, True, True]
    counters.close()


def test_without_redis_each_process_counts_for_itself() -> None:
    alone, other = (Tries(Counters("redis://127.0.0.1:1/0")) for _ in range(2))
    assert [alone.take(LIMITS, "a") > 0 for _ in range(3)] == [False, False, True]
    alone.give_back(LIMITS, "a")
    assert other.take(LIMITS, "a") == 0


def test_nobody_guesses_more_than_a_hundred_times_an_hour() -> None:
    assert [limit.amount * 3600 // limit.get_expiry() for limit in CEILING] == [100]
    assert PASSWORDS[-1].amount * 3600 // PASSWORDS[-1].get_expiry() < 100
