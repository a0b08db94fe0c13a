"""What comes of a step: the order as it is then, what happened, and what to tell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from ..errors import CallbackFailed, Conflict, Reason
from ..states import SILENT, Effect, Entry, Verb
from ..values import Message, Money
from .ledger import Booking, Figures
from .order import OrderFacts
from .payment import Payment
from .words import Ruling, Settings


@dataclass(frozen=True)
class Event:
    """Something to tell of the order. `order`: as it was just after it."""

    kind: Effect
    order: OrderFacts
    money: Money | None = None
    account: int | None = None
    transaction: str | None = None


@dataclass(frozen=True)
class Decision:
    """The next order, the effect of the step, and the events to tell, in this order.

    `order`: what is not in the order before it is to be kept: payments by their ids, rows of the ledger at its end.
    """

    order: OrderFacts
    effect: Effect
    events: tuple[Event, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether what waits on the order is to be looked at again."""
        return bool(self.events)

    def after(self, before: tuple[Event, ...]) -> Decision:
        return replace(self, events=(*before, *self.events)) if before else self


@dataclass(frozen=True)
class Around:
    """What is known beyond the order; the shell looks it up.

    `paid_waits`: a `paid` of this order waits for a person.
    `early`: the message reached us before the shop first handed the order in.
    `forgotten`: the try it is about was told to have ended, also before that (`routing.forgotten`).
    `elsewhere`: its movement is booked on another order.
    """

    paid_waits: bool = False
    early: bool = False
    forgotten: bool = False
    elsewhere: bool = False


ALONE = Around()


@dataclass(frozen=True)
class Telling:
    """A message told of an order, joined already with what it carries on; what each rule needs to decide it."""

    order: OrderFacts
    message: Message
    account: int
    now: datetime
    settings: Settings
    ruling: Ruling | None = None
    around: Around = ALONE

    @property
    def verb(self) -> Verb | None:
        return self.ruling.verb if self.ruling else None

    @property
    def transaction(self) -> str | None:
        return self.message.transaction_id

    @property
    def payment(self) -> Payment:
        """The payment that the message is about, as far as the order knows it."""
        known = self.order.payment(self.account, self.transaction)
        return known or Payment(self.account, (self.transaction,))

    @property
    def figures(self) -> Figures:
        return self.order.figures(self.payment)

    @property
    def payments_with_money(self) -> tuple[Payment, ...]:
        """Those that a message of this account which names none may be about."""
        return self.order.payments_with_money(self.account)

    @property
    def movement(self) -> str:
        return movement_of(self.message)

    @property
    def so_far(self) -> Money | None:
        """The sum so far that the message tells, compared by the sum alone; None where it tells of one movement."""
        return self.message.money if self.message.total else None

    def bookings(self, entry: Entry) -> tuple[Booking, ...]:
        """Those of the movement of which the message tells."""
        return self.order.bookings_of(self.account, entry, self.movement)

    def row(self, entry: Entry, money: Money) -> Booking:
        """A row of the ledger for the movement of which the message tells; it changes no figure yet."""
        nth = len(self.bookings(entry))
        return Booking(entry, self.account, self.transaction, money, self.movement, nth, at=self.message.at)

    def done(self, order: OrderFacts, effect: Effect, money: Money | None = None) -> Decision:
        """The effect, told of this payment."""
        if effect in SILENT:
            return Decision(order, effect)
        told = Event(effect, order, money or self.message.money, self.account, self.transaction)
        return Decision(order, effect, (told,))

    def nothing(self) -> Decision:
        return Decision(self.order, Effect.none)

    def repeated(self) -> Decision:
        return Decision(self.order, Effect.repeated)


def movement_of(message: Message) -> str:
    """The name of the movement that the message is about: its own, else its transaction, else the order."""
    return message.movement or message.transaction_id or f"order {message.order_number}"


def conflict(code: Conflict, detail: str) -> CallbackFailed:
    return CallbackFailed(Reason.order_conflict, detail, code)
