"""Content that can't be read: where reading stopped, and what it looks like instead."""

from __future__ import annotations

_MAGIC = {
    b"\x89PNG": "a picture (PNG)",
    b"\xff\xd8\xff": "a picture (JPEG)",
    b"%PDF": "a document (PDF)",
    b"PK\x03\x04": "an archive (ZIP)",
    b"\x1f\x8b": "an archive (gzip)",
}


class ReadError(Exception):
    """What can't be read, and where reading stopped, as a phrase for a manager."""


def stopped(what: str, at: int, data: bytes) -> ReadError:
    for magic, found in _MAGIC.items():
        if data.startswith(magic):
            return ReadError(f"it is {found}, not a callback")
    return ReadError(f"not {what}: stopped at byte {at:,} of {len(data):,}")
