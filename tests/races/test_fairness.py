"""Nobody's flood, outage or down-time holds up anybody else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, func, select, text

from dev.copies import copy
from shopcallbacks.callbacks import due
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.clock import utcnow
from shopcallbacks.dashboard import glance
from shopcallbacks.dashboard.causes import causes_and_clusters
from shopcallbacks.domain.states import State
from shopcallbacks.domain.values import Answer, Ask, Money, NoAnswer, Verdict
from shopcallbacks.extensions import db, must_not_stand_still
from shopcallbacks.jobs import asking, drain
from shopcallbacks.jobs.drains import BATCH, Others
from shopcallbacks.shops.accounts import GatewayAccount

from ..factories import make_account, make_callback, make_order, make_shop, message, request_for
from ..processing.saying import say
from .scene import paid

Claim = Callable[[int], object]
PAYPAL = {"receiver_emails": ["paypal@shop.example"], "environment": "live", "order_field": "invoice"}


def flood(account: GatewayAccount, callback: Callback, count: int) -> None:
    """So many more like it, due longer than anything else."""
    at = "now() - make_interval(mins => 10, secs => n * 0.01)"
    copy(callback.id, count, received_at=at, due_at=at)
    db.session.execute(text("ANALYZE callbacks"))
    db.session.commit()


def test_a_flood_of_one_account_holds_up_no_other(refused: list[str]) -> None:
    forged = make_account()
    nonsense = make_callback(forged, message("no-such-order"))
    flood(forged, nonsense, 1500)
    other = make_account()
    callback = make_callback(other, message(make_order(other.shop)))
    drain(False)
    db.session.expire_all()
    assert callback.state is State.processed


def test_what_is_not_genuine_waits_for_no_order_and_holds_none(refused: list[str]) -> None:
    account = make_account()
    order, signer = make_order(account.shop), make_account(account.shop, signing_secrets=["whsec_other"])
    forged = make_callback(account, request_for(signer, message(order)))
    with db.engine.begin() as another:
        another.execute(text("SELECT FROM orders WHERE id = :id FOR NO KEY UPDATE"), {"id": order.id})
        drain(False)
        db.session.expire_all()
        assert (forged.state, forged.verdict, forged.order_id) == (State.unprocessed, Verdict.not_genuine, order.id)


@pytest.mark.parametrize("claim", [due.claim, due.claim_of_few])
def test_what_many_have_due_is_never_read_as_a_whole_to_find_the_first(refused: list[str], claim: Claim) -> None:
    """However few are due by the statistics, which are of the time before the flood."""
    forged = make_account()
    first = make_callback(forged, message("no-such-order"))
    db.session.execute(text("ANALYZE callbacks"))
    copy(first.id, 1500, due_at="now() - make_interval(secs => n * 0.01)")
    with explained() as plans:
        must_not_stand_still()
        claim(BATCH)
    (plan,) = plans
    assert max(_read(plan)) <= 2 * BATCH


@contextmanager
def explained() -> Iterator[list[dict[str, Any]]]:
    """The plans of what claims ask meanwhile."""
    found: list[dict[str, Any]] = []

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "RECURSIVE" in statement:
            with connection.connection.cursor() as beside:
                beside.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}", parameters)
                found.append(beside.fetchone()[0][0]["Plan"])

    event.listen(db.engine, "before_cursor_execute", explain)
    try:
        yield found
    finally:
        event.remove(db.engine, "before_cursor_execute", explain)


def _read(node: dict[str, Any]) -> Iterator[float]:
    """How many rows each step of the plan found, at once."""
    yield node["Actual Rows"]
    for part in node.get("Plans", ()):
        yield from _read(part)


def test_the_few_of_one_are_done_before_the_many_of_another_are_begun(refused: list[str]) -> None:
    forged = make_account()
    flood(forged, make_callback(forged, message("no-such-order")), 1500)
    other = make_account()
    few = [make_callback(other, message(make_order(other.shop))) for _ in range(due.FEW)]
    claimed, more = due.claim_of_few(BATCH)
    assert more
    assert {one.id for one in claimed} == {one.id for one in few}
    db.session.rollback()
    one_more = make_callback(other, message(make_order(other.shop)))
    assert due.claim_of_few(BATCH) == ([], True), "now it has many, too"
    db.session.rollback()
    while drain(False):
        db.session.expire_all()
        if one_more.state is State.processed:
            break
    assert {one.state for one in few} == {State.processed}
    waits = db.session.scalar(
        select(func.count()).where(Callback.account_id == forged.id, Callback.due_at.is_not(None))
    )
    assert waits, "the flood is not worked off yet"


def test_others_are_likely_where_there_are_any_beside_those_with_many(refused: list[str]) -> None:
    one, other = (make_callback(make_account(), message("no-such-order")) for _ in range(2))
    (first, second), more = due.claim_of_few(BATCH)
    assert not more
    assert {first.id, second.id} == {one.id, other.id}
    others = Others()
    others.had_many([first])
    assert not others.likely
    others.had_few([second])
    assert others.likely
    others.had_many([first, second])
    assert others.likely, "one of its own was in the batch of all"
    others.had_many([second])
    assert not others.likely, "it is the one that has many now"


def test_what_does_not_wait_for_long_is_taken_in_the_order_in_which_it_came(refused: list[str]) -> None:
    account = make_account()
    came = [make_callback(account, message("no-such-order")).id for _ in range(40)]
    assert [one.id for one in due.claim(8)] == came[:8]


def test_what_comes_now_is_not_behind_all_that_a_down_time_left(refused: list[str]) -> None:
    account = GatewayAccount.add(make_shop(), "saying", "saying", {})
    db.session.commit()
    old = db.session.get_one(Callback, say(account, paid("no-such-order", "x")))
    flood(account, old, 20_000)
    make_order(account.shop, "new")
    new = db.session.get_one(Callback, say(account, paid("new", "new", 5990)))
    claimed = due.claim(BATCH)
    assert len(claimed) == BATCH
    assert new.id in {one.id for one in claimed}
    oldest = min(one.received_at for one in claimed)
    assert oldest < utcnow() - timedelta(minutes=12), "and the oldest are worked off all the same"
    db.session.rollback()
    drain(False)
    db.session.expire_all()
    assert new.state is State.processed


def test_many_accounts_that_have_waited_longer_cut_off_no_other(refused: list[str]) -> None:
    shop = make_shop()
    for number in range(6):
        account = make_account(shop, "paypal_ipn", **PAYPAL)
        flood(account, make_callback(account, message(f"none-{number}")), 20)
    last = make_account(shop, "paypal_ipn", **PAYPAL)
    callback = make_callback(last, message("new"))
    leased = due.lease(32, {}, 8, 20)
    assert len(leased) == 32
    assert callback.id in {one.id for one in leased}


def test_a_gateway_that_hangs_holds_up_no_other(
    app: Flask, refused: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """1,500 of one account, and its gateway answers none of them before the other's callback is through."""
    through = threading.Event()
    asked: list[bytes] = []

    def ask(question: Ask) -> Answer | NoAnswer:
        if b"genuine" in question.body:
            return Answer(200, b"VERIFIED")
        asked.append(question.body)
        assert through.wait(20)
        return NoAnswer("no answer in 10 s")

    monkeypatch.setitem(app.extensions, "ask", ask)
    monkeypatch.setattr(asking, "DRAIN_S", 5.0)
    hangs = make_account(None, "paypal_ipn", **PAYPAL)
    flood(hangs, make_callback(hangs, message("forged")), 1500)
    other = make_account(None, "paypal_ipn", **PAYPAL)
    make_order(other.shop, "genuine")
    callback = make_callback(other, message("genuine"))
    id_ = callback.id
    db.session.commit()

    def watch() -> None:
        with app.app_context():
            while (
                db.session.get_one(Callback, id_, populate_existing=True).state is not State.processed
                or len(asked) < asking.PER_ACCOUNT
            ):
                db.session.rollback()
                if through.wait(0.02):
                    return
            before.append(len(asked))
            through.set()

    before: list[int] = []
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    drain(True)
    watcher.join(20)
    assert before == [asking.PER_ACCOUNT], "the other was processed while all that may be asked of this one hung"


@pytest.mark.parametrize("way", ["no signature", "wrong signature"])
def test_a_forged_flood_is_one_line_in_the_panel(refused: list[str], way: str) -> None:
    """Each with another order, another sum and another transaction."""
    account = make_account()
    signer = make_account(account.shop, signing_secrets=["whsec_of_somebody_else"])
    for number in range(60):
        money = Money(1000 + number, "EUR")
        request = request_for(signer, message(f"made-up-{number}", money=money))
        make_callback(account, replace(request, headers=()) if way == "no signature" else request)
    drain(False)
    waiting = Callback.shop_id == account.shop_id, Callback.state == State.unprocessed
    for groups in (*causes_and_clusters(*waiting), glance.summary(account.shop_id, utcnow()).groups):
        assert [group.count for group in groups] == [60]
