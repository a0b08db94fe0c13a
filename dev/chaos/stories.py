"""Stories around one order each, and the one right end of every one, whatever dies meanwhile and whoever is faster."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from random import Random
from typing import Any

from shopcallbacks.domain.values import Message, Money, Outcome
from shopcallbacks.gateways import GATEWAYS

from ..stories.scene import PRICES

BY = ("http",) * 63 + ("cli",)  # a command takes seconds of a processor to begin


@dataclass(frozen=True)
class Account:
    """As its gateway knows it. `wrong`: settings with a secret that is not the account's."""

    gateway: str
    path: str
    settings: Mapping[str, Any]
    wrong: Mapping[str, Any]
    currency: str

    @property
    def asks(self) -> bool:
        return GATEWAYS[self.gateway].asks(self.settings)


@dataclass(frozen=True)
class Order:
    """The shop hands it in."""

    number: str
    money: Money


@dataclass(frozen=True)
class Call:
    """A gateway says it, signed when it is sent, in one request; again byte for byte `times` times."""

    account: Account
    says: tuple[Message, ...]
    times: int = 1
    forged: bool = False
    query: str = ""


@dataclass(frozen=True)
class Cancel:
    """The shop gives the order up."""

    number: str


@dataclass(frozen=True)
class Rule:
    """A manager decides about what waits on the order. `by`: "http" or "cli"; `verb`: as the command line has it."""

    number: str
    verb: str
    noun: str
    by: str


Step = Order | Call | Cancel | Rule


@dataclass(frozen=True)
class End:
    """How the order stands when all is quiet, and how many of its callbacks wait for a person, for which reasons.

    In minor units; `None` where no order was ever handed in. `payments`: how many are booked.
    """

    state: str | None
    taken: int = 0
    given_back: int = 0
    payments: int = 0
    waiting: int = 0
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Story:
    name: str
    numbers: tuple[str, ...]
    steps: tuple[Step, ...]
    ends: tuple[End, ...]


@dataclass
class Pen:
    """Writes one story."""

    account: Account
    number: str
    rng: Random
    often: Sequence[int] = (1,)
    steps: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.money = Money(self.rng.choice(PRICES), self.account.currency)
        self.transaction = self.new_transaction()

    def new_transaction(self) -> str:
        return str(self.rng.randrange(10**9, 10**10))

    def order(self) -> None:
        self.steps.append(Order(self.number, self.money))

    def says(self, outcome: Outcome, minor: int | None = None, transaction: str = "") -> Message:
        money = self.money if minor is None else Money(minor, self.money.currency)
        event = f"evt_{self.rng.getrandbits(64):016x}"
        return Message(outcome, self.number, transaction or self.transaction, event, money, False)

    def call(self, outcome: Outcome, minor: int | None = None, transaction: str = "", **more: Any) -> None:
        times = more.pop("times", self.rng.choice(self.often))
        query = f"n={self.rng.getrandbits(32)}&probe=%00%ff" if self.rng.random() < 0.3 else ""
        said = self.says(outcome, minor, transaction)
        self.steps.append(Call(self.account, (said,), times, query=query, **more))


Teller = Callable[[Pen], End]
TELLERS: dict[str, tuple[Teller, int]] = {}


def story(weight: int) -> Callable[[Teller], Teller]:
    def keep(tell: Teller) -> Teller:
        TELLERS[tell.__name__] = tell, weight
        return tell

    return keep


@story(30)
def paid(pen: Pen) -> End:
    pen.order()
    pen.call(Outcome.paid)
    return End("open", pen.money.minor, payments=1)


@story(20)
def early(pen: Pen) -> End:
    """The callback is faster than its order, now and then by nothing."""
    pen.call(Outcome.paid)
    pen.order()
    return End("open", pen.money.minor, payments=1)


@story(10)
def pending_and_paid(pen: Pen) -> End:
    pen.order()
    pen.call(Outcome.pending)
    pen.call(Outcome.paid)
    return End("open", pen.money.minor, payments=1)


@story(8)
def failed(pen: Pen) -> End:
    pen.order()
    pen.call(Outcome.failed)
    return End("cancelled")


@story(10)
def refunded(pen: Pen) -> End:
    pen.order()
    pen.call(Outcome.paid)
    pen.call(Outcome.refunded)
    return End("refunded", pen.money.minor, pen.money.minor, payments=1)


@story(6)
def paid_twice(pen: Pen) -> End:
    """Which of the two is taken depends on who is faster; one is, and one waits."""
    pen.order()
    pen.call(Outcome.paid, times=1)
    pen.call(Outcome.paid, transaction=pen.new_transaction(), times=1)
    return End("open", pen.money.minor, payments=1, waiting=1, reasons=("order_conflict",))


@story(5)
def too_little(pen: Pen) -> End:
    pen.order()
    pen.call(Outcome.paid, pen.money.minor // 10, times=1)
    return End("temporary", waiting=1, reasons=("amount_mismatch",))


@story(4)
def too_little_is_accepted(pen: Pen) -> End:
    pen.order()
    pen.call(Outcome.paid, pen.money.minor - 90, times=1)
    pen.steps.append(Rule(pen.number, "accept", "acceptance", pen.rng.choice(BY)))
    return End("open", pen.money.minor - 90, payments=1)


@story(4)
def cancelled_and_reopened(pen: Pen) -> End:
    pen.order()
    pen.steps.append(Cancel(pen.number))
    pen.call(Outcome.paid, times=1)
    pen.steps.append(Rule(pen.number, "reopen", "reopening", pen.rng.choice(BY)))
    return End("open", pen.money.minor, payments=1)


@story(4)
def forged(pen: Pen) -> End:
    pen.order()
    pen.call(Outcome.paid, forged=True, times=1)
    return End("temporary", waiting=1, reasons=("not_genuine",))


@story(2)
def nobodys(pen: Pen) -> End:
    """The shop never hands the order in."""
    pen.call(Outcome.paid, times=1)
    return End(None, waiting=1, reasons=("order_not_found",))


def stories(accounts: tuple[Account, ...], rng: Random, often: Sequence[int]) -> Iterator[Story]:
    """Without end. `often`: how often a gateway tells the same, one as likely as the other."""
    names, weights = list(TELLERS), [weight for _, weight in TELLERS.values()]
    number = 0
    while True:
        number += 1
        account = rng.choice(accounts)
        if account.gateway == "adyen" and rng.random() < 0.5:
            yield _batch(account, f"C{number}", rng)
            continue
        name = rng.choices(names, weights)[0]
        if account.asks and name == "forged":
            continue  # nobody signs there: the gateway denies it
        pen = Pen(account, f"C{number}", rng, often)
        end = TELLERS[name][0](pen)
        if _can_be_said(pen):
            yield Story(name, (pen.number,), tuple(pen.steps), (end,))


def _batch(account: Account, number: str, rng: Random) -> Story:
    """Several payments in one request."""
    pens = [Pen(account, f"{number}-{place}", rng) for place in range(rng.randint(2, 4))]
    for pen in pens:
        pen.order()
    steps: list[Step] = [step for pen in pens for step in pen.steps]
    steps.insert(rng.randrange(len(steps) + 1), Call(account, tuple(pen.says(Outcome.paid) for pen in pens), 2))
    ends = tuple(End("open", pen.money.minor, payments=1) for pen in pens)
    return Story("several in one", tuple(pen.number for pen in pens), tuple(steps), ends)


def _can_be_said(pen: Pen) -> bool:
    return all(signed(step) is not None for step in pen.steps if isinstance(step, Call))


@dataclass(frozen=True)
class Signed:
    """What goes over the wire, and what the gateway says when it is asked about it."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


def signed(call: Call) -> Signed | None:
    """As the gateway signs it now; None where it can't say so."""
    gateway = GATEWAYS[call.account.gateway]
    settings = call.account.wrong if call.forged else call.account.settings
    made = [gateway.example(settings, said, datetime.now(UTC)) for said in call.says]
    requests = [example.request for example in made if example is not None]
    if len(requests) < len(call.says):
        return None
    request = requests[0]
    if len(requests) > 1:
        bodies = [json.loads(one.body) for one in requests]
        items = [item for body in bodies for item in body["notificationItems"]]
        request = replace(request, body=json.dumps({**bodies[0], "notificationItems": items}).encode())
    query = "&".join(filter(None, (request.query.decode("latin-1"), call.query)))
    target = call.account.path + (f"?{query}" if query else "")
    return Signed(request.method, target, request.headers, request.body)
