"""A case: one callback with all that is needed to examine it, as plain values, so that a thread can."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..callbacks.callback import Callback
from ..domain.states import RULINGS, AttemptKind, Ruling
from ..domain.values import Request
from ..extensions import utcnow
from ..gateways.base import Gateway, Kind
from ..shops.accounts import GatewayAccount, Mode
from ..shops.secrets import Secret, SecretUnreadable
from .diagnosis import explain


@dataclass(frozen=True)
class Case:
    """`closed`: why nothing of this account may be believed; `labels`: the live secrets in the settings' order.

    `forced`: the check with the gateway is skipped; `ruling`: what a person decided about the payment.
    """

    callback_id: int
    version: int
    gateway: Gateway
    request: Request
    settings: dict[str, Any]
    labels: tuple[str, ...]
    test: bool
    forced: bool
    ruling: Ruling | None
    asks: bool
    closed: str | None
    others: Callable[[], list[tuple[str, dict[str, Any]]]]

    @classmethod
    def of(cls, callback: Callback, kind: AttemptKind | None = None) -> Case:
        account, kind = callback.account, kind or callback.due_kind
        closed = None if account.enabled else "This gateway account is switched off."
        settings: dict[str, Any] = {}
        live: list[Secret] = []
        try:
            settings, live = account.settings_at(callback.received_at)
            lacks = account.lacks_in(settings)
            if closed is None and lacks:
                closed = f"The gateway account has no {lacks[0].lower()}{lacks[1:]}."
        except SecretUnreadable as error:
            closed = f"On our side, {error}."
        return cls(
            callback_id=callback.id,
            version=callback.version,
            gateway=account.gateway,
            request=callback.request,
            settings=settings,
            labels=_labels(account.gateway, live),
            test=account.mode is Mode.test,
            forced=callback.skips_check(kind),
            ruling=RULINGS.get(kind) if kind else None,
            asks=account.asks,
            closed=closed,
            others=lambda: other_settings(account, callback),
        )

    def label(self, matched: int | None) -> str | None:
        return self.labels[matched] if matched is not None and matched < len(self.labels) else None

    def explain(self) -> str | None:
        return explain(self.gateway, self.request, self.settings, self.others())


def _labels(gateway: Gateway, live: list[Secret]) -> tuple[str, ...]:
    """Of the secrets among which one matches; none where an account has several such lists, and it can't be told."""
    lists = [setting.key for setting in gateway.settings if setting.kind is Kind.secrets]
    used = [key for key in lists if any(secret.key == key for secret in live)]
    return tuple(secret.label for secret in live if secret.key == used[0]) if len(used) == 1 else ()


def other_settings(account: GatewayAccount, callback: Callback) -> list[tuple[str, dict[str, Any]]]:
    """Settings with secrets that were not live for the callback, and with those of the shop's other accounts."""
    found = []
    now = utcnow()
    for secret in account.secrets:
        if not secret.live(callback.received_at, now):
            when = (
                f"retired {secret.ends_at:%d %b %H:%M} UTC" if secret.ends_at else f"from {secret.starts_at:%d %b} on"
            )
            found.append((f"the secret {when}", account.settings_with([secret])[0]))
    for other in account.shop.accounts:
        if other.id != account.id and other.gateway_name == account.gateway_name:
            found.append((f"the secret of the account {other.title}", other.settings_at(callback.received_at)[0]))
    return found
