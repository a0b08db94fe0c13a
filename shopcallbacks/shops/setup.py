"""What admins do to gateway accounts: the account's own verbs, each kept as an activity. Never a secret itself.

`user` None: the command line.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ..extensions import db
from ..gateways.base import Kind, Setting
from ..gateways.settings import complete
from ..words.formats import Format
from .accounts import GatewayAccount, Mode, Shop, new_token
from .acts import Activity
from .order_rules import Meeting, OrderRules
from .secrets import Secret
from .users import User


def connect(
    shop: Shop, name: str, slug: str, given: dict[str, Any], mode: Mode, title: str, user: User | None, token: str = ""
) -> GatewayAccount:
    """A new gateway account; `BadSettings` or `ValueError` where something does not fit. `token`: of its address, where
    that was told before.
    """
    account = GatewayAccount.add(shop, name, slug, given, mode, title)
    account.token = token or new_token()
    _keep(account, user, f"{account.gateway.title}, {mode} mode", verb="add gateway")
    db.session.flush()
    return account


def edit(
    account: GatewayAccount, given: dict[str, Any], mode: Mode, title: str, user: User, meeting: Meeting | None = None
) -> bool:
    """Takes title, mode, settings and how its messages meet orders (None: as before); `BadSettings` where a setting
    does not fit. Whether anything is other than before. A test account does not go live this way: `ValueError`.
    """
    if account.mode is Mode.test and mode is Mode.live:
        raise ValueError("A test account goes live with the secrets of the live mode.")
    before = _all_of(account)
    account.title = title or account.gateway.title
    if mode is Mode.test:  # which keys fit depends on the mode
        account.go_test()
    account.configure(given)
    if meeting is not None:
        account.meeting = meeting
    changes = _changes(before, _all_of(account))
    if changes:
        _keep(account, user, changes)
    return bool(changes)


def go_live(account: GatewayAccount, given: dict[str, Any], user: User) -> None:
    """From test to live; `BadSettings` where a secret of the live mode is missing or a setting does not fit."""
    before = _shown(account)
    account.go_live(given)
    new = ", ".join(setting.label for setting in account.gateway.settings if setting.is_secret and setting.key in given)
    changes = _changes(before, _shown(account))
    told = ["Mode from test to live", f"new: {new}; those of the test mode ended" if new else "", changes]
    _keep(account, user, ", ".join(filter(None, told)))


def rule_orders(shop: Shop, rules: OrderRules, user: User | None) -> bool:
    """What the shop says of all its orders. Whether anything is other than before."""
    before = _labelled(_RULES, shop.order_rules)
    shop.order_rules = rules
    changes = _changes(before, _labelled(_RULES, rules))
    if changes:
        Activity.record("settings", user, shop_id=shop.id, what=f"orders: {changes}")
    return bool(changes)


# As the list of acts names them.
_RULES = {
    "refusal_cancels_after": "A refused payment cancels after (s)",
    "payment_reopens": "A payment reopens what a refusal cancelled",
    "parts": "Parts add up",
    "accept_limit": "Only admins accept above",
    "force_limit": "Two people force above",
    "order_page": "The shop's page of an order",
}
_MEETING = {
    "number_pattern": "How order numbers come back",
    "ours_field": "Ours where this field",
    "ours_value": "has this value",
    "sets_nameless_aside": "Set aside what names no order",
    "try_lives_s": "A try lives (s)",
    "tolerance_minor": "Tolerance",
}


def add_secrets(account: GatewayAccount, setting: Setting, values: Any, former: datetime | None, user: User) -> None:
    """New secrets; those in use end then, or go on. `BadSettings` where one does not fit."""
    account.add_secrets(setting, values, former)
    then = f", the former ends {_written(account).kept(former)}" if former and setting.kind is Kind.secrets else ""
    _keep(account, user, f"{setting.label}: a new secret{then}")


def end_secret(account: GatewayAccount, secret: Secret, at: datetime | None, why: str, user: User) -> None:
    """In use until then, or without an end. An end in the past, of one that has ended, changes nothing but the time."""
    label = next((s.label for s in account.gateway.settings if s.key == secret.key), secret.key)
    account.end_secret(secret, at)
    written = _written(account)
    end = f"ends {written.kept(at)}" if at else "goes on without an end"
    _keep(account, user, f"{label}: the secret added {written.kept(secret.starts_at)} {end}", why)


def switch_off(account: GatewayAccount, why: str, user: User | None) -> None:
    """Its callbacks are kept, and not believed. `ValueError` without a reason."""
    if not why.strip():
        raise ValueError("Say why: the reason is kept with your name.")
    if account.enabled:
        account.disable()
        _keep(account, user, "switched off", why)


def switch_on(account: GatewayAccount, user: User | None) -> None:
    if not account.enabled:
        account.enable()
        _keep(account, user, "switched on")


def _written(account: GatewayAccount) -> Format:
    return Format(account.shop.time_zone)


def _keep(account: GatewayAccount, user: User | None, what: str, why: str = "", verb: str = "settings") -> None:
    Activity.record(verb, user, shop_id=account.shop.id, what=f"{account.slug}: {what}"[:1000], why=why.strip())


def _all_of(account: GatewayAccount) -> dict[str, Any]:
    head = {"Title": account.title, "Mode": str(account.mode)}
    return {**head, **_shown(account), **_labelled(_MEETING, account.meeting)}


def _labelled(labels: dict[str, str], values: OrderRules | Meeting) -> dict[str, Any]:
    return {label: getattr(values, name) for name, label in labels.items()}


def _changes(before: dict[str, Any], after: dict[str, Any]) -> str:
    return ", ".join(
        _change(label, before.get(label), value) for label, value in after.items() if value != before.get(label)
    )


def _shown(account: GatewayAccount) -> dict[str, Any]:
    settings = complete(account.gateway, account.settings)
    return {s.label: settings[s.key] for s in account.gateway.settings if not s.is_secret}


def _change(label: str, before: Any, after: Any) -> str:
    """Short values in full, others by their name alone."""
    values = [_said(before), _said(after)]
    if isinstance(before, list | dict) or isinstance(after, list | dict) or max(map(len, values)) > 60:
        return f"{label} changed"
    return f"{label} from {values[0]} to {values[1]}"


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if value not in (None, "") else "nothing"
