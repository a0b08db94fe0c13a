"""A short chaos run: everything dies, and nothing is lost, doubled or left. And it finds what is planted in the
product: else its word that all is well would be worth nothing.

In one file, so that no two of them run at the same time.
"""

from __future__ import annotations

import pytest

from .running import chaos

SHORT = [
    *"--callbacks 120 --seconds 20 --faults 2 --pause 1 --clients 48 --often 1 1 1 2 --patience 4".split(),
    "--kind",
    "web -9, all of it",
]
# Several at a time, for a run takes its time; none of them gives what the others are known by.
PLANTS = [
    {
        "stored_twice": "stored twice",
        "query_cleaned": "changed",
        "attempt_not_recorded": "attempts",
        "holes_in_the_feed": "feed",
    },
    {
        "answered_before_commit": "lost",
        "claimed_then_forgotten": "stuck",
        "delivered_without_sending": "not told",
    },
]


@pytest.mark.parametrize("plants", PLANTS, ids=lambda plants: ",".join(plants))
def test_the_run_fails_when_a_fault_is_planted(plants: dict[str, str]) -> None:
    code, said = chaos(*SHORT, "--plant", ",".join(plants))
    assert code == 1, said
    assert said.endswith("DOES NOT HOLD\n")
    for word in plants.values():
        assert f"\n{word}: " in said, said


def test_nothing_is_lost_doubled_or_stuck_while_everything_dies() -> None:
    code, said = chaos(*"--callbacks 250 --seconds 20 --pause 1 --clients 48 --often 1 1 1 2".split())
    assert code == 0, said
    assert said.endswith("HOLDS\n")
    assert "lost 0, stored twice 0, doubled 0" in said
