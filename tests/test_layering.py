"""What the contracts of import-linter (pyproject.toml) can't say. Reads the code, so that the house keeps its shape."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from shopcallbacks.gateways import GATEWAYS

PACKAGE = Path(__file__).parent.parent / "shopcallbacks"
MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))
# Libraries that few places may know, and those places.
KNOWN_TO = {
    "rq": {"bells.py", "jobs"},
    "prometheus_client": {"metrics.py", "views/health.py"},
    "authlib": {"shops/provider.py"},
    "requests": {"processing/asking.py", "outgoing/trial.py"},
}


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


@pytest.mark.parametrize("library", list(KNOWN_TO))
def test_a_library_is_known_where_it_is_needed_and_nowhere_else(library: str) -> None:
    knowing = {module for module in MODULES if forbidden(module, {library})}
    assert {str(m) for m in knowing if not {str(m), m.parts[0]} & KNOWN_TO[library]} == set()


@pytest.mark.parametrize("module", [m for m in MODULES if m.parts[0] == "domain"], ids=str)
def test_the_domain_stands_on_the_standard_library_alone(module: Path) -> None:
    outside = {name.split(".")[0] for name in imports(module)} - {"shopcallbacks"}
    assert outside <= sys.stdlib_module_names


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
