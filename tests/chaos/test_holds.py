"""A short chaos run: everything dies, and nothing is lost, doubled or left."""

from __future__ import annotations

from .running import chaos


def test_nothing_is_lost_doubled_or_stuck_while_everything_dies() -> None:
    code, said = chaos("--callbacks", "250", "--seconds", "20")
    assert code == 0, said
    assert said.endswith("HOLDS\n")
    assert "lost 0, stored twice 0, doubled 0" in said
