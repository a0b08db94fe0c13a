"""Every vector, through the production code. `--vectors DIR` (repeatable) runs other folders of vector files."""

from __future__ import annotations

from pathlib import Path

import pytest

from .vectors import OWN, Vector, differences, load

# Vectors that contradict the protocol they stand for, and the one difference we insist on.
HELD_FOR_WRONG = {
    # Its body says testMode=0, "not a test", as its siblings' do; an unreadable amount does not unsay that.
    ("worldpay", "form-bad-amount"): ["test: False, not None"],
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    folders = [Path(folder) for folder in metafunc.config.getoption("--vectors")] or [OWN]
    found = [pytest.param(vector, id=name) for folder in folders for name, vector in load(folder)]
    metafunc.parametrize("vector", found)


def test_a_vector_comes_out_as_expected(vector: Vector) -> None:
    expected = HELD_FOR_WRONG.get((vector["gateway"], vector["name"]), [])
    assert differences(vector) == expected, f"{vector['gateway']} / {vector['name']}: {vector['why']}"
