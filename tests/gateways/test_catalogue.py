"""The page about the gateways says what the code says."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from shopcallbacks.cli.catalogue import document
from shopcallbacks.gateways import GATEWAYS

PAGE = Path(__file__).parents[2] / "docs" / "gateways.md"


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text() == document(), "write it anew: flask --app app gateways docs > docs/gateways.md"


def test_the_command_prints_the_page(bare_app: Flask) -> None:
    result = bare_app.test_cli_runner().invoke(args=["gateways", "docs"])
    assert (result.exit_code, result.output) == (0, document())


def test_every_gateway_has_a_row_and_a_section() -> None:
    page = document()
    for gateway in GATEWAYS.values():
        assert f"| [{gateway.title}](#" in page
        assert f"\n## {gateway.title}\n" in page
        for setting in gateway.settings:
            assert f"`{setting.key}`" in page
