"""The chaos run finds what is planted in the product: else its word that all is well would be worth nothing."""

from __future__ import annotations

import pytest

from .running import chaos

SHORT = ("--callbacks", "90", "--seconds", "15", "--faults", "2", "--kind", "web -9, all of it")
# Several at a time, for a run takes its time; none of them gives what the others are known by.
PLANTS = [
    {"stored_twice": "stored twice", "attempt_not_recorded": "attempts", "holes_in_the_feed": "feed"},
    {
        "answered_before_commit": "lost",
        "query_cleaned": "changed",
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
