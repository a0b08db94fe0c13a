"""Temporary orders as a shop hands them in, and what can be wrong with them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..domain.numbers import number_key
from ..domain.values import Money
from ..gateways.kit.money import read_number
from ..shops.accounts import GatewayAccount, Mode, Shop

# Of a gateway's sums fifteen digits are read, by some in the smallest unit: no callback could pay a larger order.
MOST_MINOR = 10**15 - 1


@dataclass(frozen=True)
class NewOrder:
    """A temporary order as a shop hands it in. `created_at`: of one that is brought along, when the shop made it."""

    number: str
    total: Money
    customer_email: str | None = None
    account_id: int | None = None
    test: bool = False
    actor: str = "shop API"
    expires_at: datetime | None = None
    created_at: datetime | None = None


def read_json(data: bytes) -> Any:
    """What was sent; None where it is no JSON, or too deep to be an order. `BadOrder` where an object has a name twice:
    two readers would take two different orders from it."""
    try:
        return json.loads(data, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        if isinstance(error, BadOrder):
            raise
        return None


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    times = Counter(name for name, _ in pairs)
    if len(times) < len(pairs):
        raise BadOrder({name: "comes twice" for name, count in times.items() if count > 1})
    return dict(pairs)


def parse_new_order(data: Any, shop: Shop, actor: str = "shop API") -> NewOrder:
    """The shop's temporary order from the API's JSON or the command line; `BadOrder` naming every bad field."""
    if not isinstance(data, dict):
        raise BadOrder({"body": "must be a JSON object"})
    problems: dict[str, str] = {}
    known = {"number", "amount", "currency", "customer_email", "gateway_account", "test", "expires_at"}
    for name in data.keys() - known:
        problems[str(name)] = "is not a field of an order"
    number = number_key(_text(data, "number", problems, limit=100))
    currency = _text(data, "currency", problems, limit=3)
    if currency and not (len(currency) == 3 and currency.isascii() and currency.isalpha() and currency.isupper()):
        problems["currency"] = "must be an ISO 4217 code in capitals, EUR"
    total = _total(data.get("amount"), currency, problems)
    email = _text(data, "customer_email", problems, limit=320, needed=False)
    test = data.get("test", False)
    if not isinstance(test, bool):
        problems["test"] = "must be true or false"
    slug = _text(data, "gateway_account", problems, limit=60, needed=False)
    readable = slug and "gateway_account" not in problems
    account = shop.account(slug) if readable else None
    if readable and account is None:
        problems["gateway_account"] = f"the shop has no gateway account {slug}"
    expires_at = _moment(data.get("expires_at"), problems)
    if number and "number" not in problems:
        may_pay = [account] if account else [one for one in shop.accounts if one.enabled and (test or _is_live(one))]
        if (too_long := _too_long(number, may_pay)) is not None:
            problems["number"] = too_long
    if problems or total is None:
        raise BadOrder(problems)
    return NewOrder(number, total, email or None, account.id if account else None, test, actor, expires_at)


class BadOrder(ValueError):
    """An order that can't be taken: a sentence for each bad field."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name} {problem}" for name, problem in problems.items()))
        self.problems = problems


def _is_live(account: GatewayAccount) -> bool:
    return account.mode is Mode.live


def _too_long(number: str, accounts: Iterable[GatewayAccount]) -> str | None:
    """A sentence where a gateway could not give the number back: the shortest limit, and whose it is."""
    limits = [(account.longest_number, account.title) for account in accounts]
    limit, title = min(((limit, title) for limit, title in limits if limit is not None), default=(len(number), ""))
    if len(number) <= limit:
        return None
    return f"must have at most {limit} characters: {title} gives no more of it back"


def _text(data: dict[str, Any], name: str, problems: dict[str, str], limit: int, needed: bool = True) -> str:
    value = data.get(name)
    if value is None and not needed:
        return ""
    if not isinstance(value, str) or not value.strip():
        problems[name] = "is needed, as text"
        return ""
    value = value.strip()
    if len(value) > limit or not value.isprintable():
        problems[name] = f"must be printable text of at most {limit} characters"
    return value


def _moment(value: Any, problems: dict[str, str]) -> datetime | None:
    """A moment with its zone, as RFC 3339 writes it."""
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        utc = moment.astimezone(UTC) if moment and moment.tzinfo else None
    except (ValueError, OverflowError):
        utc = None
    if utc is None:
        problems["expires_at"] = 'must be a moment with its zone, "2026-11-27T18:00:00+01:00"'
        return None
    return utc


def _total(value: Any, currency: str, problems: dict[str, str]) -> Money | None:
    """Only plain decimal text: a JSON number may have been a float on its way."""
    number = read_number(value) if isinstance(value, str) else None
    money = Money.of(number, currency) if number is not None else None
    if money is None or money.minor < 0:
        problems["amount"] = 'must be decimal text in major units with no more decimals than the currency has, "59.90"'
        return None
    if money.minor > MOST_MINOR:
        problems["amount"] = f"must be at most {Money(MOST_MINOR, currency)}: gateways tell of no larger sums"
        return None
    return money
