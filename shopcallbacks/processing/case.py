"""A case: one callback with all that is needed to examine it, as plain values."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from ..callbacks.due import Due
from ..clock import NOW, utcnow
from ..domain.errors import Conflict
from ..domain.money import Ruling
from ..domain.money import Settings as Rules
from ..domain.states import RULINGS, AttemptKind
from ..extensions import db
from ..gateways.base import Gateway
from ..gateways.base import Kind as SettingKind
from ..sets import among
from ..shops.accounts import GatewayAccount, Reading
from ..shops.secrets import Secret, SecretUnreadable
from ..words.formats import Format, going_on
from .diagnosis import Others


@dataclass(frozen=True)
class Case:
    """`closed`: why nothing of this account may be believed; `labels`: the live secrets in the settings' order."""

    due: Due
    gateway: Gateway
    settings: dict[str, Any]
    labels: tuple[str, ...]
    test: bool
    asks: bool
    closed: str | None
    reading: Reading

    @property
    def forced(self) -> bool:
        """The check with the gateway is skipped."""
        return self.due.kind is AttemptKind.forced

    @property
    def ruling(self) -> Ruling | None:
        """What a person decided about the payment."""
        verb = RULINGS.get(self.due.kind)
        return Ruling(verb, self.due.minor, self.due.transaction) if verb is not None and verb.rules else None

    @property
    def as_kept(self) -> bool:
        """It was checked before, and is decided once more as it was kept: nobody is asked again."""
        return self.due.checked and (self.due.kind is AttemptKind.automatic or self.due.kind in RULINGS)

    def label(self, matched: int | None) -> str | None:
        return self.labels[matched] if matched is not None and matched < len(self.labels) else None


Live = tuple[dict[str, Any], list[Secret]]


_THESE = (
    select(GatewayAccount, NOW)
    .where(among(GatewayAccount.id, "ids"))
    .options(joinedload(GatewayAccount.secrets), joinedload(GatewayAccount.shop))
)


class Accounts:
    """The gateway accounts of a batch. Each one's secrets are decrypted once. `as_of`: when they were read, by the
    database's clock.
    """

    def __init__(self, ids: Iterable[int]) -> None:
        found = db.session.execute(_THESE, {"ids": list(set(ids))}).unique().all()
        self._accounts: dict[int, GatewayAccount] = {account.id: account for account, _ in found}
        self.as_of: datetime = found[0][1] if found else utcnow()  # of none any moment will do
        self._live: dict[tuple[int, frozenset[int]], Live | SecretUnreadable] = {}

    @property
    def ids(self) -> set[int]:
        return set(self._accounts)

    def add(self, ids: Iterable[int]) -> None:
        """Further ones."""
        self._accounts |= Accounts(ids)._accounts

    def __getitem__(self, id_: int) -> GatewayAccount:
        return self._accounts[id_]

    def rules(self, id_: int) -> Rules:
        """What its shop says of all its orders, and of its payments."""
        account = self._accounts[id_]
        return replace(account.shop.rules, tolerance=account.tolerance_minor)

    def case(self, due: Due) -> Case:
        """May raise whatever an account, its settings or its secrets make it."""
        account = self._accounts[due.account_id]
        closed = None if account.enabled else "This gateway account is switched off."
        settings: dict[str, Any] = {}
        live: list[Secret] = []
        try:
            settings, live = self._settings(account, due.received_at)
            lacks = account.lacks_in(settings)
            if closed is None and lacks:
                closed = f"The gateway account has no {going_on(lacks)}."
        except SecretUnreadable as error:
            closed = f"On our side, {error}."
        return Case(
            due,
            account.gateway,
            settings,
            _labels(account, live),
            account.tests_at(due.received_at),
            account.asks,
            closed,
            account.reading,
        )

    def _settings(self, account: GatewayAccount, arrived_at: datetime) -> Live:
        """`SecretUnreadable` where SECRETS_KEY lacks the key of a live one."""
        live = [secret for secret in account.secrets if secret.live(arrived_at)]
        key = account.id, frozenset(secret.id for secret in live)
        if key not in self._live:
            try:
                self._live[key] = account.settings_with(live)
            except SecretUnreadable as error:
                self._live[key] = error
        found = self._live[key]
        if isinstance(found, SecretUnreadable):
            raise found
        return found

    def others(self, due: Due) -> list[Others]:
        """Settings with secrets that were not live for the callback, and with those of the shop's other accounts; but
        for those that can't be read any more."""
        account = self._accounts[due.account_id]
        found: list[Others] = []
        for secret in account.secrets:
            if secret.ends_at is not None and not secret.live(due.received_at):
                left_behind = account.left_behind(secret)
                conflict = Conflict.secret_of_other_mode if left_behind else Conflict.secret_retired
                label = f"the secret retired {Format(account.shop.time_zone).kept(secret.ends_at)}"
                with suppress(SecretUnreadable):  # then it can't tell anything
                    settings = account.settings_with([secret])[0]
                    found.append(Others(label, settings, conflict, None if left_behind else secret.id))
        for other in account.shop.accounts:
            if other.id != account.id and other.gateway_name == account.gateway_name:
                live = [secret for secret in other.secrets if secret.live(due.received_at)]
                same = other.mode is account.mode
                conflict = Conflict.secret_elsewhere if same else Conflict.secret_of_other_mode
                label = f"the secret of the account {other.title}" + ("" if same else f", in {other.mode} mode")
                with suppress(SecretUnreadable):
                    found.append(Others(label, other.settings_with(live)[0], conflict))
        return found


def _labels(account: GatewayAccount, live: list[Secret]) -> tuple[str, ...]:
    """Of the secrets among which one matches; none where an account has several such lists, and it can't be told."""
    lists = [setting.key for setting in account.gateway.settings if setting.kind is SettingKind.secrets]
    used = [key for key in lists if any(secret.key == key for secret in live)]
    written = Format(account.shop.time_zone)
    return tuple(secret.label(written) for secret in live if secret.key == used[0]) if len(used) == 1 else ()
