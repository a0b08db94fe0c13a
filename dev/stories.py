"""What happens between customers, a shop and its gateways: the scenarios of the demo and of the end-to-end test.

A story is a few steps (an order is placed, a gateway calls) around one order, and says how each of them must end. The
functions are pure: the same random numbers and the same time tell the same story, byte for byte.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from shopcallbacks.domain.errors import Reason
from shopcallbacks.domain.states import OrderState, State
from shopcallbacks.domain.values import Answer, Ask, Message, Money, Outcome, Verification
from shopcallbacks.gateways import GATEWAYS
from shopcallbacks.gateways.base import Example, Gateway, Settings
from shopcallbacks.gateways.settings import complete

PRICES = (990, 1490, 1900, 2450, 3990, 4900, 5990, 7995, 9900, 14900, 24900, 119000)
CUSTOMERS = "anna.weiss bob.doe chloe.martin daan.devries eva.novak ivan.petrenko mei.tanaka zoe.silva".split()
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
BUSY = Answer(503, b"Service Unavailable")

Silence = None  # the gateway is asked and says nothing at all
# What the gateway will be asked, and what it says the first, second ... time; the last stays.
Question = tuple[Ask, tuple[Answer | None, ...]]


# Who takes part


@dataclass(frozen=True)
class Account:
    """A gateway account of the demo shop, as the gateway knows it. `retired`: settings with secrets no longer live."""

    gateway: Gateway
    slug: str
    url: str
    settings: Settings
    currency: str
    retired: Settings = field(default_factory=dict)
    test: bool = False

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> Account:
        gateway = GATEWAYS[entry["gateway"]]
        return cls(
            gateway,
            entry["slug"],
            entry["url"],
            complete(gateway, entry["settings"]),
            entry["currency"],
            entry.get("retired", {}),
            entry.get("test", False),
        )

    @property
    def asks(self) -> bool:
        return self.gateway.asks(self.settings)


@dataclass(frozen=True)
class DemoShop:
    api_token: str
    accounts: tuple[Account, ...]

    @classmethod
    def read(cls, path: Path) -> DemoShop:
        """From the file `flask demo seed` writes."""
        found = json.loads(path.read_text())
        return cls(found["api_token"], tuple(Account.read(entry) for entry in found["accounts"]))


# Steps and how they must end


@dataclass(frozen=True)
class End:
    """Where a callback stands when all is quiet. `reasons`: one of them, for an unprocessed one."""

    state: State
    reasons: frozenset[Reason] = frozenset()


PROCESSED = End(State.processed)


def unprocessed(*reasons: Reason) -> End:
    return End(State.unprocessed, frozenset(reasons))


@dataclass(frozen=True)
class PlaceOrder:
    """The shop hands in a temporary order (the API's JSON), which ends in that state with so many payments booked."""

    order: Mapping[str, Any]
    end: OrderState
    payments: int
    wait: float


@dataclass(frozen=True)
class Call:
    """A gateway calls the account's URL, `wait` seconds after the step before."""

    account: Account
    method: str
    query: bytes
    headers: tuple[tuple[str, str], ...]
    body: bytes
    end: End
    questions: tuple[Question, ...]
    wait: float


Step = PlaceOrder | Call


@dataclass(frozen=True)
class Story:
    name: str
    number: str
    steps: tuple[Step, ...]

    @property
    def calls(self) -> list[Call]:
        return [step for step in self.steps if isinstance(step, Call)]


class CannotSay(Exception):
    """The gateway has no way of saying this, or only the gateway itself can."""


# Telling


class Scene:
    """One customer's order at one account; the stories below add steps to it."""

    def __init__(self, account: Account, at: datetime, number: str, rng: Random) -> None:
        self.account, self.number = account, number
        self.money = Money(rng.choice(PRICES), account.currency)
        self.steps: list[Step] = []
        self._now, self._rng = at, rng
        self._customer = f"{rng.choice(CUSTOMERS)}@example.com"
        self.transaction = self.new_transaction()

    def order(self, end: OrderState, payments: int = 0, wait: float = 0.0) -> None:
        self._pass(wait)
        order: dict[str, Any] = {
            "number": self.number,
            "amount": str(self.money.amount),
            "currency": self.money.currency,
            "customer_email": self._customer,
        }
        if self._rng.random() < 0.5:
            order["gateway_account"] = self.account.slug
        if self.account.test:
            order["test"] = True
        self.steps.append(PlaceOrder(order, end, payments, wait))

    def call(
        self,
        outcome: Outcome,
        end: End = PROCESSED,
        *,
        wait: float | None = None,
        money: Money | None = None,
        transaction: str | None = None,
        settings: Settings | None = None,
        sent: bool = True,
        before: tuple[Answer | None, ...] = (),
    ) -> Call:
        """The gateway says that outcome. Not `sent`: it denies that. `before`: what it says first when it is asked."""
        wait = self._rng.uniform(0.5, 3.0) if wait is None else wait
        self._pass(wait)
        message = Message(
            outcome,
            self.number,
            transaction or self.transaction,
            f"evt_{self._rng.getrandbits(64):016x}",
            money or self.money,
            self.account.test,
            customer=self._customer,
        )
        gateway, settings = self.account.gateway, settings or self.account.settings
        example = gateway.example(settings, message, self._now)
        if example is None:
            raise CannotSay(f"{gateway.title} can't say {outcome}")
        questions = tuple((ask, (*before, answer)) for ask, answer in _asked(gateway, settings, example) if sent)
        request = example.request
        return self.add(
            Call(self.account, request.method, request.query, request.headers, request.body, end, questions, wait)
        )

    def add(self, call: Call) -> Call:
        self.steps.append(call)
        return call

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


Teller = Callable[[Scene], None]


@dataclass(frozen=True)
class Plot:
    """`trouble`: it ends with a callback for a person. `ordered`: its end depends on what is processed first."""

    tell: Teller
    weight: int
    trouble: bool
    ordered: bool


PLOTS: dict[str, Plot] = {}


def plot(weight: int, trouble: bool = False, ordered: bool = False) -> Callable[[Teller], Teller]:
    def keep(tell: Teller) -> Teller:
        PLOTS[tell.__name__] = Plot(tell, weight, trouble, ordered)
        return tell

    return keep


# The stories: how often, and what happens


@plot(60)
def paid(scene: Scene) -> None:
    scene.order(OrderState.open, payments=1)
    scene.call(Outcome.paid)


@plot(8)
def failed(scene: Scene) -> None:
    scene.order(OrderState.cancelled)
    scene.call(Outcome.failed)


@plot(3)
def cancelled(scene: Scene) -> None:
    scene.order(OrderState.cancelled)
    scene.call(Outcome.cancelled)


@plot(8)
def pending_then_paid(scene: Scene) -> None:
    scene.order(OrderState.open, payments=1)
    scene.call(Outcome.pending)
    scene.call(Outcome.paid, wait=8)


@plot(3)
def refunded(scene: Scene) -> None:
    scene.order(OrderState.refunded, payments=1)
    scene.call(Outcome.paid)
    scene.call(Outcome.refunded, wait=10)


@plot(4)
def duplicated(scene: Scene) -> None:
    """The same bytes twice."""
    scene.order(OrderState.open, payments=1)
    scene.add(replace(scene.call(Outcome.paid), wait=0.2))


@plot(3)
def out_of_order(scene: Scene) -> None:
    """The callback is faster than its order."""
    scene.call(Outcome.paid, wait=0)
    scene.order(OrderState.open, payments=1, wait=4)


@plot(2, trouble=True, ordered=True)
def late(scene: Scene) -> None:
    """Money for an order that is cancelled."""
    scene.order(OrderState.cancelled)
    scene.call(Outcome.failed)
    scene.call(Outcome.paid, unprocessed(Reason.order_conflict), wait=5, transaction=scene.new_transaction())


@plot(1, trouble=True, ordered=True)
def paid_twice(scene: Scene) -> None:
    """Two payments for one order."""
    scene.order(OrderState.open, payments=1)
    scene.call(Outcome.paid)
    scene.call(Outcome.paid, unprocessed(Reason.order_conflict), wait=6, transaction=scene.new_transaction())


@plot(2, trouble=True)
def forged(scene: Scene) -> None:
    scene.order(OrderState.temporary)
    scene.call(Outcome.paid, unprocessed(Reason.not_genuine), settings=_with_other_secrets(scene.account), sent=False)


@plot(1, trouble=True)
def retired_secret(scene: Scene) -> None:
    if not scene.account.retired:
        raise CannotSay("this account has no retired secret")
    scene.order(OrderState.temporary)
    settings = {**scene.account.settings, **scene.account.retired}
    scene.call(Outcome.paid, unprocessed(Reason.not_genuine), settings=settings)


@plot(1, trouble=True)
def badly_encoded(scene: Scene) -> None:
    """Bytes that are no text in any charset crept in on the way."""
    scene.order(OrderState.temporary)
    call = scene.call(Outcome.paid, unprocessed(Reason.unreadable, Reason.not_genuine, Reason.unclear), sent=False)
    middle = len(call.body) // 2
    scene.steps[-1] = replace(call, body=call.body[:middle] + b"\xff\xfe\x81" + call.body[middle:])


@plot(1, trouble=True)
def a_picture(scene: Scene) -> None:
    """Something posts a PNG."""
    headers = (("Content-Type", "image/png"), ("User-Agent", "upload/1.0"))
    end = unprocessed(Reason.unreadable, Reason.not_genuine, Reason.unclear)
    scene.add(Call(scene.account, "POST", b"", headers, PNG, end, (), 0.0))


@plot(1, trouble=True)
def unknown_order(scene: Scene) -> None:
    """Nobody ever places the order."""
    scene.call(Outcome.paid, unprocessed(Reason.order_not_found), wait=0)


@plot(2, trouble=True)
def wrong_amount(scene: Scene) -> None:
    scene.order(OrderState.temporary)
    less = replace(scene.money, minor=scene.money.minor // 10)
    scene.call(Outcome.paid, unprocessed(Reason.amount_mismatch), money=less)


@plot(1, trouble=True)
def wrong_currency(scene: Scene) -> None:
    scene.order(OrderState.temporary)
    other = replace(scene.money, currency="EUR" if scene.money.currency == "USD" else "USD")
    scene.call(Outcome.paid, unprocessed(Reason.currency_mismatch), money=other)


@plot(2)
def busy_once(scene: Scene) -> None:
    """The gateway can't be asked at first; the automatic attempt succeeds."""
    _needs_asking(scene)
    scene.order(OrderState.open, payments=1)
    scene.call(Outcome.paid, before=(BUSY,))


@plot(1, trouble=True)
def silent(scene: Scene) -> None:
    """The gateway is asked and never answers."""
    _needs_asking(scene)
    scene.order(OrderState.temporary)
    call = scene.call(Outcome.paid, unprocessed(Reason.gateway_unreachable))
    scene.steps[-1] = replace(call, questions=tuple((ask, (Silence,)) for ask, _ in call.questions))


def _needs_asking(scene: Scene) -> None:
    if not scene.account.asks:
        raise CannotSay("this gateway is not asked")


def _with_other_secrets(account: Account) -> Settings:
    """Secrets of the same form that are not the account's."""
    secret = {setting.key for setting in account.gateway.settings if setting.is_secret}
    return {key: _another(value) if key in secret else value for key, value in account.settings.items()}


def _another(value: Any) -> Any:
    if isinstance(value, str):
        turned = str.maketrans("0123456789abcdefABCDEF", "1234567890bcdefaBCDEFA")
        return value[:-8] + value[-8:].translate(turned)
    if isinstance(value, Mapping):
        return {key: _another(item) for key, item in value.items()}
    return [_another(item) for item in value] if isinstance(value, Sequence) else value


# Choosing

Mix = Mapping[str, int]
MIXES: dict[str, Mix] = {
    "default": {name: one.weight for name, one in PLOTS.items()},
    "calm": {name: one.weight for name, one in PLOTS.items() if not one.trouble},
    "rough": {name: one.weight * (10 if one.trouble else 1) for name, one in PLOTS.items()},
}


def read_mix(text: str) -> Mix:
    """A mix by its name, or `paid=5,forged=1`; `ValueError` with a sentence."""
    if text in MIXES:
        return MIXES[text]
    weights = {name: weight for name, _, weight in (part.partition("=") for part in text.split(","))}
    if unknown := sorted(weights.keys() - PLOTS.keys()):
        raise ValueError(f"no story {', '.join(unknown)}; a mix is {', '.join(MIXES)} or some of {', '.join(PLOTS)}")
    if not all(weight.isdecimal() for weight in weights.values()) or not any(map(int, weights.values())):
        raise ValueError("each story needs a weight, paid=5,forged=1")
    return {name: int(weight) for name, weight in weights.items()}


def tell(name: str, account: Account, at: datetime, number: str, rng: Random) -> Story:
    """The story of that name; `CannotSay` where this account can't be in it."""
    scene = Scene(account, at, number, rng)
    PLOTS[name].tell(scene)
    return Story(name, number, tuple(scene.steps))


def stories(accounts: Sequence[Account], mix: Mix, rng: Random, clock: Callable[[], datetime]) -> Iterator[Story]:
    """Stories without end, each beginning at the clock's time when it is asked for."""
    names, weights = list(mix), list(mix.values())
    unlucky = number = 0
    while unlucky < 1000:
        at, account, name = clock(), rng.choice(accounts), rng.choices(names, weights)[0]
        try:
            story = tell(name, account, at, f"{at:%y%m%d%H%M%S}-{number + 1}", rng)
        except CannotSay:
            unlucky += 1
            continue
        unlucky, number = 0, number + 1
        yield story
    raise CannotSay("none of these accounts can be in any of these stories")


def plan(accounts: Sequence[Account], count: int, seed: int, at: datetime, mix: Mix = MIXES["default"]) -> list[Story]:
    """Stories with at least that many callbacks in all, whose ends are certain whoever is faster.

    Stories may be played at the same time; the steps of one story in their order, without waiting.
    """
    told: list[Story] = []
    calls = 0
    for story in stories(accounts, mix, Random(seed), lambda: at):
        if PLOTS[story.name].ordered and any(call.account.asks for call in story.calls):
            continue  # gateways are asked several at once, so their callbacks overtake each other
        told.append(story)
        calls += len(story.calls)
        if calls >= count:
            break
    return told
