"""JSON as gateways send it: numbers stay decimals; text that is not UTF-8, infinities and absurd nesting are errors."""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from .errors import ReadError, stopped


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice")
    return found


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse_constant)
_STRICT = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_once)


def read_json(data: bytes, *, strict_names: bool = False) -> Any:
    """The JSON value; numbers as int or Decimal. `strict_names`: a name that comes twice in an object is an error."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise stopped("UTF-8", error.start, data) from None
    try:
        return (_STRICT if strict_names else _DECODER).decode(text)
    except json.JSONDecodeError as error:
        raise stopped("JSON", len(text[: error.pos].encode()), data) from None
    except (ValueError, RecursionError, InvalidOperation) as error:
        raise ReadError(f"not JSON: {error or 'nested too deep'}") from None


def read_object(data: bytes, *, strict_names: bool = False) -> dict[str, Any]:
    """The JSON object."""
    value = read_json(data, strict_names=strict_names)
    if not isinstance(value, dict):
        raise stopped("a JSON object", 0, data)
    return value


def dig(value: Any, *path: str) -> Any:
    """The value at the path of names, None where a step is missing or not an object."""
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def dig_object(value: Any, *path: str) -> dict[str, Any]:
    """The object at the path, an empty one where there is none."""
    found = dig(value, *path)
    return found if isinstance(found, dict) else {}


def text(value: Any) -> str | None:
    """A text or a whole number as text; None for anything else, for empty text and for text that can't be stored."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and value and "\x00" not in value and not re.search("[\ud800-\udfff]", value):
        return value
    return None
