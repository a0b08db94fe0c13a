"""One customer's order at one account, told step by step."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from shopcallbacks.domain.states import OrderState
from shopcallbacks.domain.values import Answer, Ask, Message, Money, Outcome, Verification
from shopcallbacks.gateways.base import Example, Gateway, Settings

from .account import Account
from .steps import PROCESSED, Call, CancelOrder, CannotSay, End, PlaceOrder, Step

PRICES = (990, 1490, 1900, 2450, 3990, 4900, 5990, 7995, 9900, 14900, 24900, 119000)
CUSTOMERS = "anna.weiss bob.doe chloe.martin daan.devries eva.novak ivan.petrenko mei.tanaka zoe.silva".split()


class Scene:
    """One customer's order at one account; the stories below add steps to it."""

    def __init__(self, account: Account, at: datetime, number: str, rng: Random) -> None:
        self.account, self.number = account, number
        self.money = Money(rng.choice(PRICES), account.currency)
        self.steps: list[Step] = []
        self.heard: Message | None = None  # of the last call, what it says by itself
        self._now, self._rng = at, rng
        self._customer = f"{rng.choice(CUSTOMERS)}@example.com"
        self.transaction = self.new_transaction()
        self._named = rng.random() < 0.5  # whether the shop says by which account the order is to be paid

    def order(
        self,
        end: OrderState,
        payments: int = 0,
        wait: float = 0.0,
        *,
        number: str | None = None,
        money: Money | None = None,
        **more: Any,
    ) -> None:
        """`more`: further fields of the API's order."""
        self._pass(wait)
        money = money or self.money
        order: dict[str, Any] = {
            "number": number or self.number,
            "amount": str(money.amount),
            "currency": money.currency,
            "customer_email": self._customer,
        }
        if self._named:
            order["gateway_account"] = self.account.slug
        if self.account.test:
            order["test"] = True
        self.steps.append(PlaceOrder(self.account, order | more, end, payments, wait))

    def cancel(self, wait: float = 1.0) -> None:
        self._pass(wait)
        self.steps.append(CancelOrder(self.account, self.number, wait))

    def call(
        self,
        outcome: Outcome,
        end: End = PROCESSED,
        *,
        wait: float | None = None,
        money: Money | None = None,
        settings: Settings | None = None,
        sent: bool = True,
        before: tuple[Answer | None, ...] = (),
        **more: Any,
    ) -> Call:
        """The gateway says that outcome; `more`: what else its message says.

        Not `sent`: it denies that. `before`: what it says first when it is asked.
        """
        wait = self._rng.uniform(0.5, 3.0) if wait is None else wait
        self._pass(wait)
        said: dict[str, Any] = {
            "order_number": self.number,
            "transaction_id": self.transaction,
            "event_id": f"evt_{self._rng.getrandbits(64):016x}",
            "money": money or self.money,
            "test": self.account.test,
            "customer": self._customer,
        }
        message = Message(outcome, **said | more)
        gateway, settings = self.account.gateway, settings or self.account.settings
        example = gateway.example(settings, message, self._now)
        if example is None:
            raise CannotSay(f"{gateway.title} can't say {outcome}")
        self.heard = _heard(gateway, settings, example, message)
        questions = tuple((ask, (*before, answer)) for ask, answer in _asked(gateway, settings, example) if sent)
        request = example.request
        return self.add(
            Call(self.account, request.method, request.query, request.headers, request.body, end, questions, wait)
        )

    def add(self, call: Call) -> Call:
        self.steps.append(call)
        return call

    def in_seconds(self, seconds: float) -> str:
        return (self._now + timedelta(seconds=seconds)).isoformat()

    def new_transaction(self) -> str:
        return str(self._rng.randrange(10**9, 10**10))

    def _pass(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


def _asked(gateway: Gateway, settings: Settings, example: Example) -> Iterator[tuple[Ask, Answer]]:
    """What the example's verification will ask, with the gateway's answers."""
    asking = gateway.verify(example.request, settings)
    if isinstance(asking, Verification) or not example.answers:
        return
    question = next(asking)
    for answer in example.answers:
        yield question, answer
        try:
            question = asking.send(answer)
        except StopIteration:
            return


def _heard(gateway: Gateway, settings: Settings, example: Example, message: Message) -> Message | None:
    """What it says by itself, None of one that is only told when asked. `CannotSay` where that is something else."""
    if gateway.asks(settings):
        return None
    heard = gateway.interpret(example.request, settings, {})[-1]
    pairs = ((message.transaction_id, heard.transaction_id), (message.money, heard.money))
    alike = all((said is None) == (told is None) for said, told in pairs)
    if not alike or heard.outcome is not message.outcome or message.test not in (heard.test, False):
        raise CannotSay(f"{gateway.title} says something else")
    return heard
