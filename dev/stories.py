"""What happens between customers, a shop and its gateways: the scenarios of the demo and of the end-to-end test.

A story is a few steps (an order is placed, a gateway calls) around one order, and says how each of them must end. The
functions are pure: the same random numbers and the same time tell the same story, byte for byte.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from shopcallbacks.domain.errors import Conflict, Reason
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
    """A gateway account of a demo shop, as the gateway knows it; `api_token` is its shop's.

    `retired`: settings with secrets no longer live. `parts`: its shop adds up payments of less than the order costs.
    `closed`: it is switched off at the shop. `others`: slugs of the shop's other accounts.
    """

    gateway: Gateway
    slug: str
    url: str
    api_token: str
    settings: Settings
    currency: str
    retired: Settings = field(default_factory=dict)
    test: bool = False
    parts: bool = False
    closed: bool = False
    others: tuple[str, ...] = ()

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> Account:
        gateway = GATEWAYS[entry["gateway"]]
        return cls(
            gateway,
            entry["slug"],
            entry["url"],
            entry["api_token"],
            complete(gateway, entry["settings"]),
            entry["currency"],
            retired=entry.get("retired", {}),
            test=entry.get("test", False),
            parts=entry.get("parts", False),
            closed=entry.get("closed", False),
            others=tuple(entry.get("others", ())),
        )

    @property
    def asks(self) -> bool:
        return self.gateway.asks(self.settings)


def read_accounts(path: Path) -> tuple[Account, ...]:
    """From the file `flask demo seed` writes."""
    return tuple(Account.read(entry) for entry in json.loads(path.read_text())["accounts"])


# Steps and how they must end


@dataclass(frozen=True)
class End:
    """Where a callback stands when all is quiet. `reasons`: one of them, if it waits; `conflict`: the closer one."""

    state: State
    reasons: frozenset[Reason] = frozenset()
    conflict: Conflict | None = None


PROCESSED = End(State.processed)


def unprocessed(*reasons: Reason, conflict: Conflict | None = None) -> End:
    return End(State.unprocessed, frozenset(reasons), conflict)


def conflicting(conflict: Conflict) -> End:
    return unprocessed(Reason.order_conflict, conflict=conflict)


@dataclass(frozen=True)
class PlaceOrder:
    """The shop hands in an order (the API's JSON), also again, which ends in that state with so many payments."""

    account: Account
    order: Mapping[str, Any]
    end: OrderState
    payments: int
    wait: float


@dataclass(frozen=True)
class CancelOrder:
    """The shop gives it up."""

    account: Account
    number: str
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


Step = PlaceOrder | CancelOrder | Call


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


Teller = Callable[[Scene], None]


@dataclass(frozen=True)
class Plot:
    """`trouble`: it ends with a callback for a person. `ordered`: its end depends on what is processed first; `timed`:
    on the clock."""

    tell: Teller
    weight: int
    trouble: bool
    ordered: bool
    timed: bool


PLOTS: dict[str, Plot] = {}


def plot(weight: int, trouble: bool = False, ordered: bool = False, timed: bool = False) -> Callable[[Teller], Teller]:
    def keep(tell: Teller) -> Teller:
        PLOTS[tell.__name__] = Plot(tell, weight, trouble, ordered, timed)
        return tell

    return keep


# The stories: how often, and what happens


@plot(60)
def paid(scene: Scene) -> None:
    scene.order(OrderState.open, payments=1)
    scene.call(Outcome.paid)


@plot(5)
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


@plot(8)
def second_card(scene: Scene) -> None:
    """The first card is refused, the second pays."""
    scene.order(OrderState.open, payments=1)
    scene.call(Outcome.failed)
    scene.call(Outcome.paid, wait=5, transaction_id=scene.new_transaction())


@plot(4)
def parts(scene: Scene) -> None:
    """Two payments that add up."""
    _needs_parts(scene)
    first, rest = _shares(scene.money)
    scene.order(OrderState.open, payments=2)
    scene.call(Outcome.paid, money=first)
    scene.call(Outcome.paid, wait=9, money=rest, transaction_id=scene.new_transaction())


@plot(1)
def first_part_only(scene: Scene) -> None:
    _needs_parts(scene)
    scene.order(OrderState.awaiting_payment, payments=1)
    scene.call(Outcome.paid, money=_shares(scene.money)[0])


@plot(3)
def refunded(scene: Scene) -> None:
    scene.order(OrderState.refunded, payments=1)
    scene.call(Outcome.paid)
    scene.call(Outcome.refunded, wait=10)


@plot(2)
def partly_refunded(scene: Scene) -> None:
    scene.order(OrderState.open, payments=1)
    scene.call(Outcome.paid)
    scene.call(Outcome.refunded, wait=10, money=_shares(scene.money)[0])


@plot(3)
def refund_failed(scene: Scene) -> None:
    """What was given back did not reach the customer: it is owed again."""
    part = _shares(scene.money)[0]
    name = f"rf_{scene.number}"
    scene.order(OrderState.open, payments=1)
    scene.call(Outcome.paid)
    scene.call(Outcome.refunded, wait=6, money=part, event_id=name, movement=name)
    scene.call(Outcome.refund_failed, wait=8, money=part, event_id=name, movement=name)


@plot(3)
def dispute_won(scene: Scene) -> None:
    scene.order(OrderState.open, payments=1)
    scene.call(Outcome.paid)
    scene.call(Outcome.disputed, wait=6)
    scene.call(Outcome.charged_back, wait=3)
    scene.call(Outcome.chargeback_reversed, wait=12)


@plot(3)
def dispute_lost(scene: Scene) -> None:
    scene.order(OrderState.refunded, payments=1)
    scene.call(Outcome.paid)
    scene.call(Outcome.disputed, wait=6)
    scene.call(Outcome.charged_back, wait=9)


@plot(2)
def disputed(scene: Scene) -> None:
    """And not decided yet."""
    scene.order(OrderState.open, payments=1)
    scene.call(Outcome.paid)
    scene.call(Outcome.disputed, wait=6)


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


@plot(3)
def replaced(scene: Scene) -> None:
    """A cart that is changed before it is paid."""
    less = _shares(scene.money)[1]
    scene.order(OrderState.open, payments=1)
    scene.order(OrderState.open, payments=1, wait=2, money=less)
    scene.call(Outcome.paid, money=less)


@plot(2)
def replaced_too_late(scene: Scene) -> None:
    """The payment waits for its sum, until the shop hands the changed cart in."""
    more = Money(scene.money.minor + 500, scene.money.currency)
    scene.order(OrderState.open, payments=1)
    scene.call(Outcome.paid, money=more)
    scene.order(OrderState.open, payments=1, wait=6, money=more)


@plot(2)
def handed_in_again(scene: Scene) -> None:
    """Given up, and wanted after all."""
    scene.order(OrderState.open, payments=1)
    scene.cancel()
    scene.order(OrderState.open, payments=1, wait=4)
    scene.call(Outcome.paid)


@plot(2, timed=True)
def expired(scene: Scene) -> None:
    """Nobody pays in time."""
    scene.order(OrderState.cancelled, expires_at=scene.in_seconds(15))


@plot(1, trouble=True)
def given_up(scene: Scene) -> None:
    """Money for an order that the shop has cancelled."""
    scene.order(OrderState.cancelled)
    scene.cancel(wait=3)
    scene.call(Outcome.paid, conflicting(Conflict.order_cancelled), wait=4)


@plot(1, trouble=True, ordered=True)
def paid_twice(scene: Scene) -> None:
    """Two payments for one order."""
    second = scene.new_transaction()
    scene.order(OrderState.open, payments=1)
    scene.call(Outcome.paid)
    scene.call(Outcome.paid, conflicting(Conflict.paid_already), wait=6, transaction_id=second)


@plot(1, ordered=True)
def paid_twice_and_given_back(scene: Scene) -> None:
    """Two payments, of which the second is given back: nobody has to do anything."""
    second = scene.new_transaction()
    scene.order(OrderState.open, payments=2)
    scene.call(Outcome.paid)
    scene.call(Outcome.paid, wait=6, transaction_id=second)
    scene.call(Outcome.refunded, wait=9, transaction_id=second)


@plot(1, trouble=True, ordered=True)
def paid_after_refund(scene: Scene) -> None:
    second = scene.new_transaction()
    scene.order(OrderState.refunded, payments=1)
    scene.call(Outcome.paid)
    scene.call(Outcome.refunded, wait=6)
    scene.call(Outcome.paid, conflicting(Conflict.order_refunded), wait=8, transaction_id=second)


@plot(1, trouble=True, ordered=True)
def payment_gone(scene: Scene) -> None:
    """The payment that opened the order is said to have failed."""
    scene.order(OrderState.open, payments=1)
    scene.call(Outcome.paid)
    scene.call(Outcome.failed, conflicting(Conflict.payment_gone), wait=8)


@plot(1, trouble=True)
def other_account(scene: Scene) -> None:
    """The order was to be paid by another account of the shop."""
    if not scene.account.others:
        raise CannotSay("the shop has one account")
    scene.order(OrderState.temporary, gateway_account=scene.account.others[0])
    scene.call(Outcome.paid, conflicting(Conflict.other_account))


@plot(1, trouble=True)
def other_mode(scene: Scene) -> None:
    """A payment of play money for a real order."""
    scene.order(OrderState.temporary)
    scene.call(Outcome.paid, conflicting(Conflict.other_mode), test=True)
    if scene.heard is None:
        raise CannotSay("whether this gateway says so is only told when it is asked")


@plot(1, trouble=True, ordered=True)
def other_order(scene: Scene) -> None:
    """A payment that is told for two orders."""
    scene.order(OrderState.open, payments=1)
    scene.call(Outcome.paid)
    if scene.heard is None or scene.heard.movement:
        raise CannotSay("this gateway names each booking, and may tell one payment for two orders")
    scene.order(OrderState.temporary, number=f"{scene.number}-B", wait=2)
    scene.call(Outcome.paid, conflicting(Conflict.other_order), wait=4, order_number=f"{scene.number}-B")


@plot(1, trouble=True)
def names_no_order(scene: Scene) -> None:
    scene.call(Outcome.paid, unprocessed(Reason.order_not_found, conflict=Conflict.names_no_order), order_number=None)


@plot(1, trouble=True, ordered=True)
def which_payment(scene: Scene) -> None:
    """A refund that does not say of which of two payments."""
    _needs_parts(scene)
    first, rest = _shares(scene.money)
    scene.order(OrderState.open, payments=2)
    scene.call(Outcome.paid, money=first)
    scene.call(Outcome.paid, wait=3, money=rest, transaction_id=scene.new_transaction())
    end = unprocessed(Reason.unclear, conflict=Conflict.which_payment)
    scene.call(Outcome.refunded, end, wait=6, money=first, transaction_id=None)


@plot(1, trouble=True, ordered=True)
def too_much_refunded(scene: Scene) -> None:
    """Given back twice what was paid."""
    twice = Money(scene.money.minor * 2, scene.money.currency)
    scene.order(OrderState.open, payments=1)
    scene.call(Outcome.paid)
    scene.call(Outcome.refunded, unprocessed(Reason.amount_mismatch), wait=6, money=twice)


@plot(1, trouble=True)
def switched_off(scene: Scene) -> None:
    """An account that the shop uses no longer."""
    if not scene.account.closed:
        raise CannotSay("this account is in use")
    scene.order(OrderState.temporary)
    scene.call(Outcome.paid, unprocessed(Reason.account_disabled))


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
    """A tenth of what it costs; too much, where parts are added up."""
    minor = scene.money.minor * 11 // 10 if scene.account.parts else scene.money.minor // 10
    scene.order(OrderState.temporary)
    scene.call(Outcome.paid, unprocessed(Reason.amount_mismatch), money=replace(scene.money, minor=minor))


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


def _shares(money: Money) -> tuple[Money, Money]:
    """A third, and the rest."""
    third = money.minor // 3
    return replace(money, minor=third), replace(money, minor=money.minor - third)


def _needs_parts(scene: Scene) -> None:
    if not scene.account.parts:
        raise CannotSay("this shop adds no parts up")


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
        other = value[:-8] + value[-8:].translate(turned)
        return other if other != value else value.swapcase()
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
    if account.closed and name != "switched_off":
        raise CannotSay("this account is used no longer")
    scene = Scene(account, at, number, rng)
    PLOTS[name].tell(scene)
    return Story(name, number, tuple(scene.steps))


def stories(accounts: Sequence[Account], mix: Mix, rng: Random, clock: Callable[[], datetime]) -> Iterator[Story]:
    """Stories without end, each beginning at the clock's time when it is asked for."""
    names, weights = list(mix), list(mix.values())
    unlucky = number = 0
    while unlucky < 1000:
        at, name = clock(), rng.choices(names, weights)[0]
        story = _told(name, rng.sample(accounts, len(accounts)), at, f"{at:%y%m%d%H%M%S}-{number + 1}", rng)
        if story is None:
            unlucky += 1
            continue
        unlucky, number = 0, number + 1
        yield story
    raise CannotSay("none of these accounts can be in any of these stories")


def _told(name: str, accounts: Iterable[Account], at: datetime, number: str, rng: Random) -> Story | None:
    """At the first account that can be in it."""
    for account in accounts:
        with suppress(CannotSay):
            return tell(name, account, at, number, rng)
    return None


def plan(accounts: Sequence[Account], count: int, seed: int, at: datetime, mix: Mix = MIXES["default"]) -> list[Story]:
    """Stories with at least that many callbacks in all, whose ends are certain whoever is faster.

    Stories may be played at the same time; the steps of one story in their order, without waiting.
    """
    told: list[Story] = []
    calls = 0
    for story in stories(accounts, mix, Random(seed), lambda: at):
        if PLOTS[story.name].timed:
            continue
        if PLOTS[story.name].ordered and any(call.account.asks for call in story.calls):
            continue  # gateways are asked several at once, so their callbacks overtake each other
        told.append(story)
        calls += len(story.calls)
        if calls >= count:
            break
    return told
