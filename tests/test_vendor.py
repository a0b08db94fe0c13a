"""What others wrote is served as they published it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

VENDOR = Path(__file__).parent.parent / "static" / "vendor"
CHECKSUMS = dict(reversed(line.split()) for line in (VENDOR / "CHECKSUMS").read_text().splitlines())


def test_every_file_has_its_checksum() -> None:
    assert {path.name for path in VENDOR.iterdir()} == {*CHECKSUMS, "CHECKSUMS"}


@pytest.mark.parametrize("name", sorted(CHECKSUMS))
def test_the_file_is_unmodified(name: str) -> None:
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == CHECKSUMS[name]
