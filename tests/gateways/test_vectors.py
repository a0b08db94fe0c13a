"""Every vector, through the production code. `--vectors DIR` (repeatable) runs other folders of vector files."""

from __future__ import annotations

from pathlib import Path

import pytest

from .vectors import OWN, Vector, differences, load, movement_differences


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    folders = [Path(folder) for folder in metafunc.config.getoption("--vectors")] or [OWN]
    loaded = [(folder, name, vector) for folder in folders for name, vector in load(folder)]
    if "named" not in metafunc.fixturenames:
        metafunc.parametrize("vector", [pytest.param(vector, id=name) for _, name, vector in loaded])
        return
    by_place = {(folder, name): vector for folder, name, vector in loaded}
    found = []
    for folder, name, vector in loaded:
        names = [*filter(None, [vector.get("same_movement_as")]), *vector.get("other_movement_than", [])]
        if names:
            file = name.partition(":")[0]
            named = {other: by_place[folder, f"{file}:{other}"] for other in names}
            found.append(pytest.param(vector, named, id=name))
    metafunc.parametrize(("vector", "named"), found)


def test_a_vector_comes_out_as_expected(vector: Vector) -> None:
    assert differences(vector) == [], f"{vector['gateway']} / {vector['name']}: {vector['why']}"


def test_a_movement_has_its_name_from_vector_to_vector(vector: Vector, named: dict[str, Vector]) -> None:
    assert movement_differences(vector, named) == [], f"{vector['gateway']} / {vector['name']}: {vector['why']}"
