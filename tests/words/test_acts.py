"""Acts in words."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from shopcallbacks.shops.acts import Activity
from shopcallbacks.words.acts import ACTS

PACKAGE = Path(__file__).parents[2] / "shopcallbacks"
# How the package keeps an act: the first methods, the last a function.
KEEPERS = {"record", "record_once", "_act", "_record"}, {"_done"}


def recorded() -> set[str]:
    """Every verb that stands as text where an act is kept."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                keeps = getattr(node.func, "attr", "") in KEEPERS[0] or getattr(node.func, "id", "") in KEEPERS[1]
                given = [*(node.args[:2] if keeps else ()), *(key.value for key in node.keywords if key.arg == "verb")]
                found |= {arg.value for arg in given if isinstance(arg, ast.Constant) and isinstance(arg.value, str)}
    return found


def test_every_act_that_is_kept_has_its_words() -> None:
    assert {"log out", "add shop", "new API token", "set password", "save view", "add gateway", "note"} <= recorded()
    assert recorded() - set(ACTS) == set()


def test_an_act_without_words_is_not_kept(app: object) -> None:
    with pytest.raises(LookupError, match="'juggle' is not among the acts"):
        Activity.record("juggle", None)
