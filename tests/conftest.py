from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--vectors", action="append", default=[], metavar="DIR", help="a folder of vector files (repeatable)"
    )
