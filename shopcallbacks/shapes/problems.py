"""What is answered where something is wrong: RFC 9457."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .base import Shape
from .callbacks import Callback
from .orders import Order


class BadField(Shape):
    field: str
    detail: str


class Problem(Shape):
    """`title` says in a sentence what is wrong."""

    type: str = "about:blank"
    status: int
    title: str
    order: Annotated[Order | None, Field(description="As it stands, where that is why it was refused.")] = None
    callback: Annotated[Callback | None, Field(description="As it stands, where that is why it was refused.")] = None
    errors: Annotated[list[BadField] | None, Field(description="Each bad field.")] = None
