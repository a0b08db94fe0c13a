"""What all shapes are made of."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, PlainSerializer, WithJsonSchema


class Shape(BaseModel):
    """A JSON object that is told. One day it may have more fields."""

    model_config = ConfigDict(frozen=True, validate_by_name=True, validate_by_alias=True)

    @property
    def as_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json", by_alias=True)


class Taken(Shape):
    """One that is taken: with no other fields, so that a misspelled one is not passed over."""

    model_config = ConfigDict(extra="forbid")


def _text(**schema: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", **schema})


# Decimal text in major units, never a JSON number.
Sum = Annotated[str, _text(pattern=r"^-?[0-9]+(\.[0-9]+)?$", examples=["149.00"])]
Currency = Annotated[str, _text(description="ISO 4217, in capitals.", examples=["EUR"])]
Sums = Annotated[
    dict[str, str],
    WithJsonSchema(
        {"type": "object", "additionalProperties": {"type": "string"}, "description": "Sums, by their currency."}
    ),
]
# RFC 3339, with its zone.
Moment = Annotated[datetime, PlainSerializer(datetime.isoformat), _text(format="date-time")]
