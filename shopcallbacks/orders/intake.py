"""Temporary orders as a shop hands them in, and what can be wrong with them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..domain.values import Money
from ..shops.accounts import Shop


@dataclass(frozen=True)
class NewOrder:
    """A temporary order as a shop hands it in."""

    number: str
    total: Money
    customer_email: str | None = None
    account_id: int | None = None
    test: bool = False
    actor: str = "shop API"


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
    known = {"number", "amount", "currency", "customer_email", "gateway_account", "test"}
    for name in data.keys() - known:
        problems[str(name)] = "is not a field of an order"
    number = _text(data, "number", problems, limit=100)
    currency = _text(data, "currency", problems, limit=3)
    if currency and not (len(currency) == 3 and currency.isascii() and currency.isalpha() and currency.isupper()):
        problems["currency"] = "must be an ISO 4217 code in capitals, EUR"
    total = _total(data.get("amount"), currency, problems)
    email = _text(data, "customer_email", problems, limit=320, needed=False)
    test = data.get("test", False)
    if not isinstance(test, bool):
        problems["test"] = "must be true or false"
    slug = _text(data, "gateway_account", problems, limit=60, needed=False)
    account = shop.account(slug) if slug else None
    if slug and account is None:
        problems["gateway_account"] = f"the shop has no gateway account {slug}"
    if problems or total is None:
        raise BadOrder(problems)
    return NewOrder(number, total, email or None, account.id if account else None, test, actor)


class BadOrder(ValueError):
    """An order that can't be taken: a sentence for each bad field."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name} {problem}" for name, problem in problems.items()))
        self.problems = problems


def _text(data: dict[str, Any], name: str, problems: dict[str, str], limit: int, needed: bool = True) -> str:
    value = data.get(name)
    if value is None and not needed:
        return ""
    if not isinstance(value, str) or not value.strip():
        problems[name] = "is needed, as text"
        return ""
    if len(value) > limit or not value.isprintable():
        problems[name] = f"must be printable text of at most {limit} characters"
        return ""
    return value.strip()


def _total(value: Any, currency: str, problems: dict[str, str]) -> Money | None:
    """Only decimal text: a JSON number may have been a float on its way."""
    try:
        money = Money.of(Decimal(value), currency) if isinstance(value, str) else None
    except ArithmeticError:
        money = None
    if money is None or money.minor < 0:
        problems["amount"] = 'must be decimal text in major units with no more decimals than the currency has, "59.90"'
        return None
    return money
