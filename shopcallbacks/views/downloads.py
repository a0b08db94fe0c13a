"""What can be taken along as a file."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response


def attachment(content: bytes | Iterator[bytes], name: str, content_type: str = "application/octet-stream") -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, headers=headers, content_type=content_type)


def csv_file(blocks: Iterator[bytes], name: str) -> Response:
    return attachment(blocks, name, "text/csv; charset=utf-8; header=present")
