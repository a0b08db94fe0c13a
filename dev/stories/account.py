"""Who takes part: a gateway account of a demo shop, as the gateway knows it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shopcallbacks.gateways import GATEWAYS
from shopcallbacks.gateways.base import Gateway, Settings
from shopcallbacks.gateways.settings import complete


@dataclass(frozen=True)
class Account:
    """A gateway account of a demo shop, as the gateway knows it; `api_token` is its shop's.

    `retired`: settings with secrets no longer live. `parts`: its shop adds up payments of less than the order costs.
    `closed`: it is switched off at the shop. `others`: slugs of the shop's other accounts.
    """

    gateway: Gateway
    slug: str
    url: str
    api_token: str
    settings: Settings
    currency: str
    retired: Settings = field(default_factory=dict)
    test: bool = False
    parts: bool = False
    closed: bool = False
    others: tuple[str, ...] = ()

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> Account:
        gateway = GATEWAYS[entry["gateway"]]
        return cls(
            gateway,
            entry["slug"],
            entry["url"],
            entry["api_token"],
            complete(gateway, entry["settings"]),
            entry["currency"],
            retired=entry.get("retired", {}),
            test=entry.get("test", False),
            parts=entry.get("parts", False),
            closed=entry.get("closed", False),
            others=tuple(entry.get("others", ())),
        )

    @property
    def asks(self) -> bool:
        return self.gateway.asks(self.settings)


def read_accounts(path: Path) -> tuple[Account, ...]:
    """From the file `flask demo seed` writes."""
    return tuple(Account.read(entry) for entry in json.loads(path.read_text())["accounts"])
