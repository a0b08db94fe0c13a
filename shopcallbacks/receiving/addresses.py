"""Whose address was called: read from the database, and kept in the process for a moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Any

from ..gateways import GATEWAYS
from ..gateways.base import Gateway
from ..gateways.settings import complete
from ..shops.accounts import is_slug
from .line import Line

# A change of token, state or secret is seen after so long.
SECONDS = 0.25
MOST = 10_000

SELECT = b"""
SELECT shops.id, account.id, account.token, account.gateway_name, account.asks,
    coalesce(account.braked_until > statement_timestamp(), false), account.settings
FROM shops LEFT JOIN gateway_accounts AS account ON account.shop_id = shops.id AND account.slug = $1
WHERE shops.slug = $2
"""


@dataclass(frozen=True)
class Addressee:
    """A gateway account, as far as the door needs it."""

    shop_id: int
    id: int
    token: str
    gateway_name: str
    asks: bool
    braked: bool
    settings: dict[str, Any]
    with_secrets: Callable[[int], dict[str, Any]]

    @property
    def methods(self) -> tuple[str, ...] | None:
        """How its gateway calls; None where that is not known (any more): then no call is refused for it."""
        gateway = GATEWAYS.get(self.gateway_name)
        return gateway.methods if gateway else None

    @property
    def gateway(self) -> Gateway:
        return GATEWAYS[self.gateway_name]

    @cached_property
    def reply_settings(self) -> dict[str, Any]:
        """What the gateway's reply needs to know: the secrets only where they sign it."""
        return self.with_secrets(self.id) if self.gateway.signs_reply else complete(self.gateway, self.settings)


@dataclass(frozen=True)
class Called:
    """What stands at an address: a shop, and its account of that slug; None where there is none."""

    shop_id: int | None = None
    account: Addressee | None = None


class Addresses:
    """`with_secrets`: how an account's settings are read together with its secrets, by its id."""

    def __init__(self, line: Line, with_secrets: Callable[[int], dict[str, Any]]) -> None:
        self._line, self._with_secrets = line, with_secrets
        self._kept: dict[tuple[str, str], tuple[float, Called]] = {}
        self._reading = Lock()

    def find(self, shop: str, slug: str) -> Called:
        """As it was a moment ago at most. `psycopg.Error` where the database does not say."""
        if not is_slug(shop):
            return Called()
        return self._known(shop, slug) or self._found(shop, slug)

    def _known(self, shop: str, slug: str) -> Called | None:
        until, known = self._kept.get((shop, slug), (0.0, None))
        return known if time.monotonic() < until else None

    def _found(self, shop: str, slug: str) -> Called:
        """Who waited for another that reads need not read it once more."""
        with self._reading:
            if known := self._known(shop, slug):
                return known
            found = self._read(shop, slug if is_slug(slug) else "")
            if len(self._kept) >= MOST:
                self._kept.clear()
            self._kept[shop, slug] = (time.monotonic() + SECONDS, found)
            return found

    def _read(self, shop: str, slug: str) -> Called:
        for shop_id, id_, token, name, asks, braked, settings in self._line.run(SELECT, (slug, shop)):
            if id_ is None:
                return Called(shop_id)
            return Called(shop_id, Addressee(shop_id, id_, token, name, asks, braked, settings, self._with_secrets))
        return Called()

    def forget(self) -> None:
        self._kept.clear()
