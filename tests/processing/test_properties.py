"""What holds over the database whatever comes: drawn as for the rules, told by the code that production runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis as RedisClient
from sqlalchemy import func, select

from dev.services import Postgres
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.domain.errors import Reason
from shopcallbacks.domain.money import OrderFacts, Ruling, Settings
from shopcallbacks.domain.values import Message, Money, Outcome
from shopcallbacks.extensions import db
from shopcallbacks.gateways import GATEWAYS
from shopcallbacks.orders.ledger import LedgerRow
from shopcallbacks.orders.order import Order

from ..conftest import empty
from ..domain.money.memory import Kept, MemoryShell
from ..domain.money.test_properties import SHOPS, TRY, Step, messages, steps
from .saying import DatabaseShell, Saying

over_the_database = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(scope="module", autouse=True)
def database(bare_app: Flask, postgres_server: Postgres, redis_client: RedisClient) -> Iterator[None]:
    """One for all examples: each is told of a shop of its own."""
    empty(bare_app, postgres_server, redis_client)
    with pytest.MonkeyPatch.context() as patch, bare_app.app_context():
        patch.setitem(GATEWAYS, "saying", Saying())
        yield
        db.session.rollback()


class Both:
    """The shell in memory and the one over the database, told the same, and compared after each step."""

    def __init__(self, shop: Settings) -> None:
        self._memory, self.database = MemoryShell(shop), DatabaseShell(shop)
        for number in ("A-2", "A-1"):
            self.hand_in(number, Money(4900, "EUR"), 1800)

    @property
    def kept(self) -> dict[str, Kept]:
        return self._memory.kept

    @property
    def facts(self) -> list[OrderFacts]:
        return self._memory.facts

    def hand_in(self, number: str, total: Money, expires_in: int | None) -> str:
        return self._both("hand_in", number, total, expires_in)

    def tell(self, id_: str, account: str, message: Message) -> None:
        self._both("tell", id_, account, message)

    def rule(self, id_: str, ruling: Ruling) -> None:
        self._both("rule", id_, ruling)

    def settle(self, number: str) -> str:
        return self._both("settle", number)

    def enough(self, number: str) -> str:
        return self._both("enough", number)

    def cancel(self, number: str) -> str:
        return self._both("cancel", number)

    def wait(self, seconds: int) -> None:
        self._both("wait", seconds)

    def _both(self, word: str, *told: Any) -> Any:
        answer = getattr(self._memory, word)(*told)
        assert getattr(self.database, word)(*told) == answer
        assert self.database.fates() == self._memory.fates()
        assert self.database.orders() == self._memory.orders()
        assert self.database.events() == self._memory.events()
        self._assert_sums()
        return answer

    def _assert_sums(self) -> None:
        """The figures that are kept are those of the ledger's rows, and none is negative; nothing broke our code."""
        for order in db.session.scalars(select(Order).where(Order.shop_id == self.database.shop_id)):
            kept = order.taken_minor, order.given_back_minor, order.owed_minor
            assert min(*kept, *order.owed_other.values()) >= 0
            rows = LedgerRow.order_id == order.id
            sums = (func.coalesce(func.sum(column), 0) for column in (LedgerRow.taken, LedgerRow.given_back))
            assert kept[:2] == db.session.execute(select(*sums).where(rows)).one()
            owed = select(LedgerRow.currency, func.sum(LedgerRow.owed)).where(rows).group_by(LedgerRow.currency)
            by_currency = {currency: minor for currency, minor in db.session.execute(owed) if minor}
            assert by_currency == {money.currency: money.minor for money in order.owed}
        crashed = select(func.count()).where(Callback.reason == Reason.crashed)
        assert db.session.scalar(crashed) == 0
        db.session.rollback()


@settings(over_the_database, max_examples=30)
@given(SHOPS, st.lists(steps(), max_size=6))
def test_the_database_and_the_rules_alone_agree_step_by_step(shop: Settings, days: list[Step]) -> None:
    both = Both(shop)
    for step in days:
        step(both)  # type: ignore[arg-type]


@settings(over_the_database, max_examples=15)
@given(SHOPS, st.lists(steps(), max_size=3), messages())
def test_told_twice_changes_nothing(shop: Settings, days: list[Step], message: Message) -> None:
    both = Both(shop)
    for step in days:
        step(both)  # type: ignore[arg-type]
    both.tell("once", "main", message)
    before = _standing(both.database)
    both.tell("twice", "main", message)
    assert _standing(both.database) == before


def _standing(shell: DatabaseShell) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    return shell.orders(), shell.events()


@settings(over_the_database, max_examples=15)
@given(TRY.flatmap(lambda told: st.tuples(st.just(told), st.permutations(told))))
def test_messages_that_only_come_late_end_the_same(orders: tuple[list[Message], list[Message]]) -> None:
    one, two = (_told(order) for order in orders)
    if any(message.outcome is Outcome.paid for message in orders[0]):
        assert one == two
    else:  # a pending behind its own refusal does not begin the try again
        assert {**one, "state": None} == {**two, "state": None}


def _told(messages: list[Message]) -> Mapping[str, Any]:
    shell = DatabaseShell(Settings())
    shell.hand_in("A-1", Money(4900, "EUR"), None)
    for place, message in enumerate(messages):
        shell.tell(str(place), "main", message)
    return shell.orders()["A-1"]
