"""Who may import whom. Reads the imports of the code, so that the house keeps its shape."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from shopcallbacks.gateways import GATEWAYS

PACKAGE = Path(__file__).parent.parent / "shopcallbacks"
STANDARD_ONLY = {"values.py", "errors.py"}
NEVER = {
    "transitions.py": {"flask", "sqlalchemy", "shopcallbacks.extensions", "shopcallbacks.gateways"},
    "verifying.py": {"flask", "sqlalchemy", "requests", "shopcallbacks.extensions"},
    "diagnosis.py": {"flask", "sqlalchemy", "requests", "shopcallbacks.extensions"},
    "orders.py": {"flask", "shopcallbacks.gateways"},
    "ledger.py": {"flask", "shopcallbacks.gateways"},
    "feed.py": {"flask", "shopcallbacks.gateways"},
    "callbacks.py": {"flask", "shopcallbacks.gateways"},
    "attempts.py": {"flask", "shopcallbacks.gateways"},
    "processing.py": {"flask", "rq", "requests", "shopcallbacks.views", "shopcallbacks.jobs"},
    "gateways": {
        "flask",
        "sqlalchemy",
        "requests",
        "rq",
        "redis",
        "shopcallbacks.extensions",
        "shopcallbacks.callbacks",
    },
    "delivering.py": {"requests", "rq", "redis", "smtplib", "http", "shopcallbacks.views", "shopcallbacks.jobs"},
    "outgoing.py": {"flask", "sqlalchemy", "shopcallbacks.extensions"},
    "mail.py": {"flask", "sqlalchemy", "shopcallbacks.extensions"},
    "views": {"requests", "rq", "redis", "shopcallbacks.desk", "shopcallbacks.recording"},
}
MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


def imports(module: Path) -> set[str]:
    """Every module that the file names in an import, in full."""
    package = ["shopcallbacks", *module.parent.parts]
    found = set()
    for node in ast.walk(ast.parse((PACKAGE / module).read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            prefix = ".".join([*base, *([node.module] if node.module else [])])
            found |= {prefix, *(f"{prefix}.{alias.name}" for alias in node.names)}
    return found


def forbidden(module: Path, never: set[str]) -> set[str]:
    return {name for name in imports(module) if any(name == word or name.startswith(word + ".") for word in never)}


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_imports_nothing_it_must_not(module: Path) -> None:
    for place, never in NEVER.items():
        if str(module) == place or module.parts[0] == place:
            assert forbidden(module, never) == set()


@pytest.mark.parametrize("name", sorted(STANDARD_ONLY))
def test_values_and_errors_stand_on_the_standard_library_alone(name: str) -> None:
    assert not {found for found in imports(Path(name)) if found.startswith(("shopcallbacks", "flask", "sqlalchemy"))}


def test_rq_lives_in_jobs_only() -> None:
    assert {str(module) for module in MODULES if forbidden(module, {"rq"})} == {"jobs.py"}


@pytest.mark.parametrize("name", list(GATEWAYS))
def test_a_gateway_knows_no_other_gateway(name: str) -> None:
    modules = {type(gateway).__module__ for gateway in GATEWAYS.values()}
    module = Path("gateways", type(GATEWAYS[name]).__module__.rpartition(".")[2] + ".py")
    assert forbidden(module, modules) == set()


@pytest.mark.parametrize("module", [m for m in MODULES if m.parts[0] != "gateways"], ids=str)
def test_no_gateway_is_named_outside_the_gateways(module: Path) -> None:
    """No branch on a gateway's name: the only names are data of the demo."""
    compared = set()
    for node in ast.walk(ast.parse((PACKAGE / module).read_text())):
        if isinstance(node, ast.Compare):
            compared |= {c.value for c in ast.walk(node) if isinstance(c, ast.Constant) and isinstance(c.value, str)}
    assert compared & set(GATEWAYS) == set()
