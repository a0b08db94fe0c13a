"""Every vector, through the production code. `--vectors DIR` (repeatable) runs other folders of vector files."""

from __future__ import annotations

from pathlib import Path

import pytest

from .vectors import OWN, Vector, differences, load


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    folders = [Path(folder) for folder in metafunc.config.getoption("--vectors")] or [OWN]
    found = [pytest.param(vector, id=name) for folder in folders for name, vector in load(folder)]
    metafunc.parametrize("vector", found)


def test_a_vector_comes_out_as_expected(vector: Vector) -> None:
    assert differences(vector) == [], f"{vector['gateway']} / {vector['name']}: {vector['why']}"
