"""Stands for a gateway whose file this release does not have any more: its callbacks are kept, none is believed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from ..domain.values import Message, Request, Verification
from .base import Gateway, Settings


class Gone(Gateway):
    """Its callbacks are `crashed`, and tried again by themselves after the release that brings the file back."""

    letters = "??"
    check = "none: this release does not know the gateway"
    tested = "nothing"
    settings = ()
    methods = ("GET", "POST")

    def __init__(self, name: str) -> None:
        self.name = self.title = name  # type: ignore[misc]

    def verify(self, request: Request, settings: Settings) -> Verification:
        self._not_here()

    def interpret(self, request: Request, settings: Settings, evidence: Mapping[str, Any]) -> tuple[Message, ...]:
        self._not_here()

    def _not_here(self) -> NoReturn:
        raise LookupError(f"this release has no gateway {self.name}")
