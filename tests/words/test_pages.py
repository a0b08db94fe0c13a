"""How much usually comes, in words."""

from __future__ import annotations

import pytest

from shopcallbacks.words.pages import usually


@pytest.mark.parametrize(
    ("per_hour", "said"),
    [
        (14.2, "usual at this time: 14 an hour"),
        (1.0, "usual at this time: 1 an hour"),
        (0.5, "usual: 12 a day"),
        (4 / 24, "usual: 4 a day"),
        (3 / 168, "usual: 3 a week"),
        (1 / 168, "usual: 1 a week"),
        (0.1 / 168, "usual: 1 a week"),
    ],
)
def test_what_is_usual_is_said_in_its_own_measure(per_hour: float, said: str) -> None:
    assert usually(per_hour) == said
