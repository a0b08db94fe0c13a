"""The form of the alerts' settings: text in, rules out, a sentence for each field that does not fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

from ...clock import utcnow
from ...shops.order_rules import read_limit
from ...words.formats import ADDRESS
from ..http import Trouble
from .rules import AlertRules, Style

MOST_RECIPIENTS = 10


def take(rules: AlertRules, form: Mapping[str, str], check: Callable[[str], Trouble | None]) -> dict[str, str]:
    """Puts what fits into the rules. The problems by field; with any the caller throws it all away."""
    problems: dict[str, str] = {}
    _take_addresses(rules, form, problems)
    _take_webhook(rules, form, check, problems)
    rules.waiting = bool(form.get("waiting"))
    rules.silent = bool(form.get("silent"))
    rules.floods = bool(form.get("floods"))
    rules.disputes = bool(form.get("disputes"))
    rules.seconds = bool(form.get("seconds"))
    rules.many = _whole(form, "many", 1, 1_000_000, problems)
    rules.old_minutes = _whole(form, "old_minutes", 1, 60 * 24 * 30, problems)
    rules.digest_hours = _whole(form, "digest_hours", 1, 24 * 7, problems)
    _take_money(rules, form, problems)
    hour = _whole(form, "handover_hour", 0, 23, problems)
    local = utcnow().astimezone(ZoneInfo(rules.shop.time_zone))
    if hour != rules.handover_hour:
        rules.handover_on = local.date() if hour is not None and local.hour >= hour else None
    rules.handover_hour = hour
    return problems


def _take_addresses(rules: AlertRules, form: Mapping[str, str], problems: dict[str, str]) -> None:
    addresses = form.get("recipients", "").replace(",", " ").replace(";", " ").split()
    bad = [address for address in addresses if not ADDRESS.fullmatch(address)]
    if bad:
        problems["recipients"] = f"“{bad[0][:60]}” is not an e-mail address"
    elif len(addresses) > MOST_RECIPIENTS:
        problems["recipients"] = f"holds more than {MOST_RECIPIENTS} addresses; use a mailing list"
    rules.recipients = "\n".join(dict.fromkeys(addresses))


def _take_webhook(
    rules: AlertRules, form: Mapping[str, str], check: Callable[[str], Trouble | None], problems: dict[str, str]
) -> None:
    """An empty address keeps the one there is."""
    style, url = form.get("webhook_style", ""), form.get("webhook", "").strip()
    rules.webhook_style = Style(style) if style in list(Style) else None
    if rules.webhook_style is None:
        rules.webhook = None
        return
    if url:
        trouble = check(url)
        if trouble is not None:
            problems["webhook"] = f"can't be called: {trouble}"
        else:
            rules.webhook = url
    elif rules.webhook is None:
        problems["webhook"] = "is missing"


def _take_money(rules: AlertRules, form: Mapping[str, str], problems: dict[str, str]) -> None:
    text = form.get("money", "").strip()
    try:
        rules.money = read_limit(text, form.get("currency", "")) if text else None
    except ValueError as problem:
        problems["money"] = str(problem)


def _whole(form: Mapping[str, str], name: str, least: int, most: int, problems: dict[str, str]) -> int | None:
    text = form.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and least <= int(text) <= most):
        problems[name] = f"must be a whole number from {least} to {most:,}"
        return None
    return int(text)
