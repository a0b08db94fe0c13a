"""What moves an order beside its callbacks: the shop's word, a person's, and time. What waits on it is looked at again.

Nothing here commits. Who calls rings for the workers once it has, where something was woken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert

from ..clock import NOW, utcnow
from ..domain import money
from ..domain.errors import Refused
from ..domain.money import Answer, Decision, Handing, Life, OrderFacts
from ..domain.states import Effect, OrderState, State
from ..domain.values import Outcome
from ..extensions import db
from ..orders import books, feed
from ..orders.books import Book
from ..orders.intake import BadOrder, NewOrder
from ..orders.order import Order
from ..orders.payments import Payment
from ..shops.accounts import GatewayAccount, Shop
from ..shops.acts import Activity
from ..shops.users import User
from .attempts import KeptMessage
from .callback import CHECKED, Callback
from .waiting import Keys, other_paid, wake


@dataclass(frozen=True)
class Moved:
    """What the caller hears of the order. `woken`: callbacks are due that waited on it."""

    order_id: int
    shop_id: int
    number: str
    answer: Answer
    woken: bool = False


# The shop's word


def hand_in(new: NewOrder, shop: Shop, only_new: bool = False) -> Moved:
    """The shop's order of that number: made, replaced, handed in again, or as it was. `Refused` where it can't be.
    `only_new`: one that is there stays as it is.

    `BadOrder` of one that would wait with a time in the past to expire at; who hands in once more what is paid, or
    waits just so, hears what became of it.
    """
    handing = Handing(new.number, new.total, new.test, new.account_id, new.customer_email, new.expires_at)
    made = _made(handing, shop.id, new.created_at)
    if made is not None:
        _check_expiry(new)
        return _moved(made, Decision(made.facts, Effect.created, _created(made.facts)), Answer.created, new.actor)
    order = Order.find(shop.id, new.number)
    assert order is not None
    if only_new:
        return Moved(order.id, shop.id, new.number, Answer.same)
    book = books.opened_one(order.id)
    decision, answer = money.hand_in(book.facts, handing)
    if answer is not Answer.same:
        _check_expiry(new)
    return _moved(book, decision, answer, new.actor)


def _check_expiry(new: NewOrder) -> None:
    if new.expires_at is not None and new.expires_at <= utcnow():
        raise BadOrder({"expires_at": "must lie in the future"})


def _made(handing: Handing, shop_id: int, created_at: datetime | None) -> Book | None:
    """A new row; None where the shop has the number already. `created_at`: None is now."""
    values = {
        "shop_id": shop_id,
        "number": handing.number,
        "state": OrderState.temporary,
        "amount_minor": handing.total.minor,
        "currency": handing.total.currency,
        "test": handing.test,
        "account_id": handing.account,
        "customer_email": handing.email,
        "expires_at": handing.expires_at,
        "created_at": created_at or NOW,
        "changed_at": NOW,
    }
    columns = Order.__table__.c
    made = insert(Order).values(values).on_conflict_do_nothing(index_elements=["shop_id", "number"]).returning(*columns)
    row = db.session.execute(made).one_or_none()
    return books.just_made(row) if row is not None else None


def _created(facts: OrderFacts) -> tuple[money.Event, ...]:
    return (money.Event(Effect.created, facts),)


def woken_behind(handed_in: Moved) -> bool:
    """Callbacks that were looked at in the very moment the order came, and did not see it: due now. Behind the commit
    of `hand_in`, in a transaction of its own: whoever commits last sees the other.
    """
    keys = Keys(frozenset((handed_in.order_id,)), frozenset((handed_in.number,)), frozenset())
    return wake(handed_in.shop_id, keys)


def cancel(order_id: int, actor: str) -> Moved:
    """The shop gave the order up. `Refused` of one that is paid."""
    book = books.opened_one(order_id)
    decision, answer = money.cancel(book.facts)
    return _moved(book, decision, answer, actor)


# A person's word


def settle(order_id: int, user: User | None, why: str) -> Moved:
    """*Given back*: the money owed was, a person says; no gateway needs to tell."""
    return _by_a_person("settle", order_id, user, why, money.settle)


def enough(order_id: int, user: User | None, why: str) -> Moved:
    """*That is all*: the rest of what a part-paid order needs is waived."""
    return _by_a_person("enough", order_id, user, why, money.enough)


def end_try(order_id: int, account_id: int, transaction: str | None, user: User | None, why: str) -> Moved:
    """*End this try*: a pending payment that will never end by itself."""
    return _by_a_person("end try", order_id, user, why, lambda facts: money.end_try(facts, account_id, transaction))


def _by_a_person(
    verb: str, order_id: int, user: User | None, why: str, decide: Callable[[OrderFacts], Decision]
) -> Moved:
    if not why.strip():
        raise Refused("Say why: it is kept with your name.")
    book = books.opened_one(order_id)
    decision = decide(book.facts)
    what = next((str(event.money) for event in decision.events if event.money), "")
    actor = user.name if user else "command line"
    Activity.record(verb, user, book.shop_id, order_id=order_id, why=why.strip(), what=what)
    return _moved(book, decision, Answer.done, actor)


# Time


def due_by_time(now: datetime, limit: int = 100) -> list[int]:
    """Orders that time moves: held back long enough, expired, or with a try that lived too long without a word.

    Those that a person or a living try holds up are left out, so that however many they are others come to be.
    """
    paid_waits = (
        select(KeptMessage.callback_id)
        .join(Callback, Callback.id == KeptMessage.callback_id)
        .where(KeptMessage.order_id == Order.id, KeptMessage.outcome == Outcome.paid, KeptMessage.reason.is_not(None))
        .where(Callback.state == State.unprocessed, Callback.verdict.in_(CHECKED))
    )
    lives = select(Payment.place).where(Payment.order_id == Order.id, Payment.life == Life.alive)
    free = select(Order.id).where(Order.kept_minor == 0, ~paid_waits.exists(), ~lives.exists())
    held = (
        free.join(Shop, Shop.id == Order.shop_id)
        .where(Order.held_since + _seconds(Shop.refusal_cancels_after) <= now)
        .order_by(Order.held_since)
    )
    # Written out, as in the index, so that the planner always knows that it fits.
    expired = free.where(text("orders.state IN ('temporary', 'awaiting_payment')"), Order.expires_at <= now).order_by(
        Order.expires_at
    )
    outlived = (
        select(Payment.order_id)
        .join(GatewayAccount, GatewayAccount.id == Payment.account_id)
        .where(text("payments.life = 'alive'"), Payment.heard_at + _seconds(GatewayAccount.try_lives_s) <= now)
        .order_by(Payment.heard_at)
    )
    found = (db.session.scalars(wanted.limit(limit)) for wanted in (held, expired, outlived))
    return sorted({id_ for ids in found for id_ in ids})


def _seconds(column: Any) -> Any:
    return func.make_interval(0, 0, 0, 0, 0, 0, column)


def tick(order_id: int, now: datetime) -> Moved:
    """The order as time leaves it."""
    book = books.opened_one(order_id)
    shop = db.session.get_one(Shop, book.shop_id)
    lifetimes = {account.id: account.try_lives_s for account in shop.accounts if account.try_lives_s is not None}
    waits = bool(other_paid(book.shop_id, Keys.of(book.id, book.facts)))
    return _moved(book, money.tick(book.facts, now, shop.rules, waits, lifetimes), Answer.done, "")


# How


def _moved(book: Book, decision: Decision, answer: Answer, actor: str) -> Moved:
    """Makes it so: the order, what waits on it, and last what is told of it."""
    now = utcnow()
    keys = Keys.of(book.id, decision.order)
    waiting = other_paid(book.shop_id, keys) if decision.events else []
    book.take(decision, actor=actor, other_waits=money.other_payment_waits(decision.order, waiting))
    books.written([book], now)
    woken = decision.changed and wake(book.shop_id, keys)
    feed.published(book.told, now)
    db.session.expire_all()
    return Moved(book.id, book.shop_id, book.facts.number, answer, woken)
