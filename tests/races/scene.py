"""A shop in the middle of its day: something for every writer to do, all of it in one shop and partly on one order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from shopcallbacks.bulk.runs import BulkRun
from shopcallbacks.bulk.selection import Selection
from shopcallbacks.callbacks import due, moves
from shopcallbacks.callbacks.attempts import Attempt
from shopcallbacks.callbacks.callback import NOTHING_MORE, Callback, More
from shopcallbacks.clock import utcnow
from shopcallbacks.domain import money
from shopcallbacks.domain.errors import Reason
from shopcallbacks.domain.states import Verb
from shopcallbacks.domain.values import Answer, Ask, Asking, Message, Money, Outcome, Request, Verification
from shopcallbacks.extensions import db
from shopcallbacks.jobs import bulk, drain, index
from shopcallbacks.moving_in.orders import hand_in
from shopcallbacks.orders.feed import OrderEvent
from shopcallbacks.orders.intake import NewOrder
from shopcallbacks.orders.order import Order
from shopcallbacks.outgoing import parcels
from shopcallbacks.outgoing.endpoint import Endpoint
from shopcallbacks.panel.filter import Filter
from shopcallbacks.release import RELEASE
from shopcallbacks.shops.accounts import GatewayAccount, Shop
from shopcallbacks.shops.users import Role, User

from ..factories import make_shop, make_user
from ..processing.saying import Saying, say

TOTAL = Money(1000, "EUR")


class AskedSaying(Saying):
    """The same, and it wants to be asked."""

    name = "asked_saying"

    def asks(self, settings: Mapping[str, Any]) -> bool:
        return True

    def verify(self, request: Request, settings: Mapping[str, Any]) -> Asking:  # type: ignore[override]
        answer = yield Ask("GET", "https://gateway.example/is-it-so")
        return Verification.genuine() if isinstance(answer, Answer) else Verification.unreachable("no answer")


def paid(number: str, transaction: str, minor: int = TOTAL.minor, outcome: Outcome = Outcome.paid) -> Message:
    return Message(outcome, number, transaction, money=Money(minor, "EUR"), test=False)


@dataclass
class Scene:
    """`told`: the callbacks by a name."""

    shop_id: int
    user_id: int
    account_id: int
    told: dict[str, int]

    @property
    def shop(self) -> Shop:
        return db.session.get_one(Shop, self.shop_id)

    @property
    def user(self) -> User:
        return db.session.get_one(User, self.user_id)

    def order_id(self, number: str) -> int:
        order = Order.find(self.shop_id, number)
        assert order is not None
        return order.id


def made() -> Scene:
    shop = make_shop()
    account = GatewayAccount.add(shop, "saying", "saying", {})
    asked = GatewayAccount.add(shop, "asked_saying", "asked", {})
    user = make_user(Role.admin, shop)
    Endpoint.add(shop.id, "https://shop.example/hook")
    now = utcnow()
    numbers = "fresh batch mismatch less open owing unowing gone part trying two asked half".split()
    for number in numbers:
        moves.hand_in(NewOrder(number, TOTAL), shop)
    moves.hand_in(NewOrder("expired", TOTAL, expires_at=now + timedelta(hours=1)), shop)
    db.session.execute(update(Order).where(Order.number == "expired").values(expires_at=now - timedelta(seconds=1)))
    db.session.commit()
    moves.cancel(Order.find(shop.id, "gone").id, "the shop")  # type: ignore[union-attr]
    db.session.commit()
    half = paid("half", "half"), paid("gone", "gone, too")
    told = {
        "early": say(account, paid("late", "early")),
        "stray": say(account, paid("stray", "stray")),
        "mismatch": say(account, paid("mismatch", "mismatch", 900)),
        "less": say(account, paid("less", "less", 900)),
        "part": say(account, paid("part", "part", 400)),
        "open": say(account, paid("open", "open")),
        "open again": say(account, paid("open", "open again")),
        "owing": say(account, paid("owing", "owing")),
        "owing again": say(account, paid("owing", "owing again")),
        "unowing": say(account, paid("unowing", "unowing")),
        "unowing again": say(account, paid("unowing", "unowing again")),
        "gone": say(account, paid("gone", "gone")),
        "half": say(account, *half),
        "trying": say(account, paid("trying", "trying", outcome=Outcome.pending)),
        "two": say(account, paid("two", "two")),
        "two again": say(account, paid("two", "two again")),
        "fake": say(account, paid("fake", "fake")),
        "crashed": say(account, paid("crashed", "crashed")),
    }
    drained()
    scene = Scene(shop.id, user.id, account.id, told)
    for name, verb in (("part", Verb.part), ("owing again", Verb.owe), ("unowing again", Verb.owe)):
        done(scene, name, verb)()
    done(scene, "two again", Verb.take_too)()
    done(scene, "fake", Verb.remove)()
    drained()
    told["which"] = say(account, replace(paid("two", "", 100, Outcome.refunded), transaction_id=None, movement="back"))
    drained()
    db.session.execute(
        update(Callback)
        .where(Callback.id == told["crashed"])
        .values(reason=Reason.crashed, crashed_in="x", due_at=None)
    )
    BulkRun.start(shop, user, Verb.retry, Selection(Filter()), "")
    db.session.commit()
    # And what is due just now.
    told["fresh"] = say(account, paid("fresh", "fresh"))
    told["fresh twin"] = say(account, paid("fresh", "fresh"))
    several = paid("batch", "batch"), paid("open", "open", 100, Outcome.refunded), paid("gone", "gone too")
    told["several"] = say(account, *several, paid("fresh", "fresh", outcome=Outcome.pending))
    told["half twin"] = say(account, half[0])
    told["asked"] = _asked(asked, paid("fresh", "asked"))
    db.session.commit()
    return scene


def _asked(account: GatewayAccount, message: Message) -> int:
    id_ = say(account, message)
    db.session.execute(update(Callback).where(Callback.id == id_).values(asks=True))
    db.session.commit()
    return id_


def drained() -> None:
    """Until nothing is due."""
    for _ in range(20):
        if not drain(False) and not drain(True):
            db.session.expire_all()
            return
    raise AssertionError("it never ends")


def done(scene: Scene, name: str, verb: Verb, more: More = NOTHING_MORE) -> Callable[[], None]:
    """A person's verb, as the view does it."""

    def do() -> None:
        callback = Callback.lock(scene.told[name])
        callback.do(verb, scene.user, "seen at the bank", more=more)
        db.session.commit()

    return do


def writers(scene: Scene) -> dict[str, Callable[[], object]]:
    """All who write, as production lets them: each commits by itself."""
    return {
        "plain batch": lambda: drain(False),
        "asked settle": lambda: drain(True),
        "hand in": lambda: _handed_in(scene, "late"),
        "import": lambda: _imported(scene),
        "replace": lambda: _handed_in(scene, "fresh", Money(1200, "EUR")),
        "cancel": lambda: _moved(lambda: moves.cancel(scene.order_id("fresh"), "the shop")),
        "cancel the mismatch": lambda: _moved(lambda: moves.cancel(scene.order_id("mismatch"), "the shop")),
        "retry": done(scene, "stray", Verb.retry),
        "force": done(scene, "less", Verb.force),
        "accept": done(scene, "mismatch", Verb.accept),
        "part": done(scene, "less", Verb.part),
        "take too": done(scene, "open again", Verb.take_too),
        "owe": done(scene, "open again", Verb.owe),
        "unowe": done(scene, "unowing again", Verb.unowe),
        "reopen": done(scene, "gone", Verb.reopen),
        "reopen the half": done(scene, "half", Verb.reopen),
        "choose": done(scene, "which", Verb.choose, More(transaction="two")),
        "assign": lambda: _assigned(scene),
        "close": done(scene, "mismatch", Verb.close),
        "remove": done(scene, "early", Verb.remove),
        "restore": done(scene, "fake", Verb.restore),
        "bulk step": bulk,
        "settle": lambda: _moved(lambda: moves.settle(scene.order_id("owing"), scene.user, "by bank")),
        "enough": lambda: _moved(lambda: moves.enough(scene.order_id("part"), scene.user, "that is all")),
        "end try": lambda: _moved(
            lambda: moves.end_try(scene.order_id("trying"), scene.account_id, "trying", scene.user, "it is dead")
        ),
        "tick": lambda: _moved(lambda: moves.tick(scene.order_id("expired"), utcnow())),
        "wake": lambda: _woken(scene),
        "crashed again": lambda: (Callback.due_after_upgrade("another"), db.session.commit()),
        "spread": lambda: (parcels.spread(), db.session.commit()),
        "endpoint off": lambda: _endpoint_off(scene),
        "search index": index,
        "account off and on": lambda: _switched(scene),
        "lease kept": lambda: (due.renew_lease(list(scene.told.values()), 20), db.session.commit()),
    }


def _handed_in(scene: Scene, number: str, total: Money = TOTAL) -> None:
    handed_in = moves.hand_in(NewOrder(number, total), scene.shop)
    db.session.commit()
    moves.woken_behind(handed_in)
    db.session.commit()


def _imported(scene: Scene) -> None:
    """The new ones are made, around one that is there."""
    new = [NewOrder(number, Money(1300, "EUR")) for number in ("late", "fresh", "brought along")]
    hand_in(new, scene.shop, db.session.commit)


def _moved(move: Callable[[], object]) -> None:
    move()
    db.session.commit()


def _woken(scene: Scene) -> None:
    moves.woken_behind(moves.Moved(scene.order_id("open"), scene.shop_id, "open", money.Answer.same))
    db.session.commit()


def _assigned(scene: Scene) -> None:
    order = Order.find(scene.shop_id, "asked")
    done(scene, "stray", Verb.assign, More(order=order))()


def _endpoint_off(scene: Scene) -> None:
    endpoint = Endpoint.of(scene.shop_id)
    assert endpoint is not None
    endpoint.disable()
    db.session.commit()


def _switched(scene: Scene) -> None:
    account = db.session.get_one(GatewayAccount, scene.account_id, populate_existing=True, with_for_update=True)
    account.enabled = False
    db.session.flush()
    account.enabled = True
    db.session.commit()


# What must be so however it went


def sound(shop_id: int) -> None:
    """None crashed; the figures are the sums of the ledger; the feed has no hole; each attempt has its number."""
    db.session.rollback()
    crashed = select(Callback.id).where(Callback.reason == Reason.crashed, Callback.crashed_in == RELEASE)
    assert not db.session.scalars(crashed).all()
    for order in db.session.scalars(select(Order).where(Order.shop_id == shop_id)):
        facts = order.facts
        assert (order.taken_minor, order.given_back_minor, order.kept_minor, order.waived_minor) == (
            facts.taken,
            facts.given_back,
            facts.kept,
            facts.waived,
        ), order.number
    places = db.session.scalars(
        select(OrderEvent.position).where(OrderEvent.shop_id == shop_id).order_by(OrderEvent.position)
    ).all()
    assert list(places) == list(range(1, len(places) + 1))
    for callback in db.session.scalars(select(Callback).where(Callback.shop_id == shop_id)):
        numbers = db.session.scalars(
            select(Attempt.number).where(Attempt.callback_id == callback.id).order_by(Attempt.number)
        ).all()
        assert list(numbers) == list(range(1, callback.attempt_count + 1)), callback.id
    db.session.rollback()
