"""Content that can't be read: where reading stopped, and what it looks like instead."""

from __future__ import annotations

_MAGIC = {b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"%PDF": "PDF", b"PK\x03\x04": "ZIP", b"\x1f\x8b": "gzip"}


class ReadError(Exception):
    """What can't be read, and where reading stopped, as a phrase for a manager."""


def _looks_like(data: bytes) -> str:
    for magic, what in _MAGIC.items():
        if data.startswith(magic):
            return f" (looks like {what})"
    return ""


def stopped(what: str, at: int, data: bytes) -> ReadError:
    return ReadError(f"not {what}: stopped at byte {at:,} of {len(data):,}{_looks_like(data)}")
