"""Bulk runs: previewed without a change, done in stages, stopped when they fail, and undone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from shopcallbacks import jobs
from shopcallbacks.bulk import preview, receipt
from shopcallbacks.bulk.runs import BulkItem, BulkRun, ItemState, RunState
from shopcallbacks.bulk.selection import Selection
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.errors import Reason, Refused
from shopcallbacks.domain.money import Decision, OrderFacts
from shopcallbacks.domain.states import AttemptKind, Effect, OrderState, State, Verb
from shopcallbacks.domain.values import Answer, Ask, Money, NoAnswer, Outcome, Verdict
from shopcallbacks.extensions import db
from shopcallbacks.orders import books
from shopcallbacks.orders.books import Book
from shopcallbacks.orders.order import Order
from shopcallbacks.panel.audit import Acts
from shopcallbacks.panel.filter import Filter, Tab
from shopcallbacks.processing import deciding
from shopcallbacks.shops.accounts import GatewayAccount, Shop
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.order_rules import OrderRules
from shopcallbacks.shops.users import Role, User
from shopcallbacks.words import outcomes

from ..factories import make_account, make_callback, make_order, make_shop, make_user, message, process, request_for

pytestmark = pytest.mark.usefixtures("app")

ALL = Selection(Filter())


@pytest.fixture
def shop() -> Shop:
    return make_shop()


@pytest.fixture
def account(shop: Shop) -> GatewayAccount:
    """Its secret is not the one that the gateway signs with, so all its callbacks are unprocessed."""
    return make_account(shop, signing_secrets=["whsec_wrong"])


@pytest.fixture
def manager(shop: Shop) -> User:
    return make_user(Role.manager, shop)


def badly_signed(account: GatewayAccount, *orders: Order | None) -> list[Callback]:
    """A paid callback for each order, processed in vain."""
    signer = make_account()
    found = [make_callback(account, request_for(signer, message(order or "no-such-order"))) for order in orders]
    process()
    assert {callback.state for callback in found} == {State.unprocessed}
    return found


def unheard(shop: Shop, *orders: Order) -> list[Callback]:
    """A paid callback for each order, of a gateway that could not be asked; no longer tried again by itself."""
    paypal = make_account(
        shop, "paypal_ipn", receiver_emails=["paypal@shop.example"], environment="live", order_field="invoice"
    )
    callbacks = [make_callback(paypal, message(order)) for order in orders]
    process()
    assert {callback.reason for callback in callbacks} == {Reason.gateway_unreachable}
    for callback in callbacks:
        callback.due_at = callback.due_kind = None
    db.session.commit()
    return callbacks


def mend(account: GatewayAccount) -> None:
    account.configure({"signing_secrets": ["whsec_test"]})
    db.session.commit()


def start(verb: Verb, user: User, selection: Selection = ALL, why: str = "seen at the bank") -> BulkRun:
    shop = user.shops[0]
    run = BulkRun.start(shop, user, verb, selection, why)
    db.session.commit()
    return run


def step() -> bool:
    again = jobs.bulk()
    db.session.expire_all()
    return again


def go_on(steps: int = 200) -> None:
    """What the workers do, until nothing is left to do."""
    for _ in range(steps):
        again = jobs.bulk()
        process()
        if not again and not BulkRun.any_open():
            return


class Gateways:
    """Whoever is asked: says so often that it is so, and nothing else."""

    def __init__(self, confirms: int = 0) -> None:
        self.confirms = confirms

    def __call__(self, question: Ask) -> Answer | NoAnswer:
        self.confirms -= 1
        return Answer(200, b"VERIFIED") if self.confirms >= 0 else NoAnswer("timed out")


@pytest.fixture
def gateways(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Gateways:
    asked = Gateways()
    monkeypatch.setitem(app.extensions, "ask", asked)
    return asked


def items(run: BulkRun) -> list[BulkItem]:
    return list(db.session.scalars(select(BulkItem).where(BulkItem.run_id == run.id).order_by(BulkItem.place)))


def test_a_retry_of_many_opens_their_orders_and_keeps_each_result(account: GatewayAccount, manager: User) -> None:
    orders = [make_order(account.shop) for _ in range(12)]
    badly_signed(account, *orders)
    mend(account)
    run = start(Verb.retry, manager)
    go_on()
    assert (run.state, run.succeeded, run.failed, run.skipped, run.left) == (RunState.done, 12, 0, 0, 0)
    assert {order.state for order in orders} == {OrderState.open}
    assert [item.detail for item in items(run)] == [f"Order {order.number} opened" for order in orders]
    acts = Acts().page(account.shop, owner=False, before=None, limit=100)
    assert [act.verb for act in acts].count("retry") == 12
    assert {act.what for act in acts if act.callback_id} == {run.name}
    assert (acts[-1].verb, acts[-1].what) == ("bulk retry", f"{run.name}: 12 callbacks")


def test_it_begins_with_one_then_five_then_the_rest(account: GatewayAccount, manager: User) -> None:
    badly_signed(account, *(make_order(account.shop) for _ in range(20)))
    mend(account)
    run = start(Verb.retry, manager)
    done = []
    for _ in range(3):
        step()
        done.append(run.succeeded)
    assert done == [1, 6, 20]
    assert run.state is RunState.done


def test_where_the_gateway_is_asked_each_stage_waits_for_its_answers(
    gateways: Gateways, shop: Shop, manager: User
) -> None:
    unheard(shop, *(make_order(shop) for _ in range(20)))
    gateways.confirms = 20
    run = start(Verb.retry, manager)
    done = []
    for _ in range(3):
        assert not step()
        done.append(run.asked)
        process()
    step()
    assert done == [1, 5, 14]
    assert (run.state, run.succeeded) == (RunState.done, 20)


def test_who_is_asked_holds_up_none_of_the_others(
    gateways: Gateways, account: GatewayAccount, shop: Shop, manager: User
) -> None:
    badly_signed(account, *(make_order(shop) for _ in range(6)))
    unheard(shop, *(make_order(shop) for _ in range(3)))
    badly_signed(account, *(make_order(shop) for _ in range(120)))
    mend(account)
    run = start(Verb.retry, manager)
    while step():
        pass
    assert (run.state, run.succeeded, run.asked) == (RunState.running, 126, 3)
    gateways.confirms = 3
    go_on()
    assert (run.state, run.succeeded) == (RunState.done, 129)


def test_attempts_that_do_not_hold_together_are_made_each_by_itself(
    account: GatewayAccount, manager: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = [make_order(account.shop) for _ in range(8)]
    badly_signed(account, *orders, None)
    mend(account)
    written = books.written

    def break_behind(of: Iterable[Book], now: datetime) -> None:
        moved = [book for book in of if book.changed]
        written(moved, now)
        if len(moved) > 1 and any(book.id == orders[4].id for book in moved):
            raise RuntimeError("it broke")

    monkeypatch.setattr(books, "written", break_behind)
    run = start(Verb.retry, manager)
    go_on()
    assert (run.state, run.succeeded, run.failed, run.skipped) == (RunState.done, 8, 0, 1)
    assert {order.state for order in orders} == {OrderState.open}
    assert [len(order.ledger) for order in orders] == [1] * 8
    retried = select(Activity.callback_id).where(Activity.verb == "retry")
    assert sorted(db.session.scalars(retried)) == sorted(item.callback_id for item in items(run)[:8])
    assert [item.callback.attempt_count for item in items(run)] == [2] * 8 + [1]


def test_it_stops_when_the_first_one_fails_and_goes_on_with_five_when_resumed(
    gateways: Gateways, shop: Shop, manager: User
) -> None:
    unheard(shop, *(make_order(shop) for _ in range(20)))
    run = start(Verb.retry, manager)
    go_on(5)
    assert (run.state, run.failed, run.stopped_why) == (RunState.stopped, 1, "The first one failed.")
    run.resume(manager)
    db.session.commit()
    go_on(5)
    assert (run.state, run.failed, run.stopped_why) == (RunState.stopped, 6, "All of the next 5 failed.")
    assert "could not be reached" in (items(run)[0].result or "")
    run.resume(manager)
    db.session.commit()
    gateways.confirms = 14
    go_on()
    assert (run.state, run.succeeded, run.failed) == (RunState.done, 14, 6)


def test_what_is_sure_to_fail_again_is_passed_over_and_the_first_ones_are_those_that_may_succeed(
    account: GatewayAccount, manager: User
) -> None:
    badly_signed(account, *[None] * 12, *(make_order(account.shop) for _ in range(3)))
    mend(account)
    found = preview.effects_of(Verb.retry, ALL, account.shop)
    assert (found.total, found.may, found.stays) == (15, 3, {"No such order": 12})
    run = start(Verb.retry, manager)
    jobs.bulk()
    assert (run.succeeded, run.skipped) == (1, 12)
    go_on()
    assert (run.state, run.succeeded, run.failed, run.skipped) == (RunState.done, 3, 0, 12)


def test_what_is_passed_over_is_left_as_it_was(account: GatewayAccount, manager: User) -> None:
    """Whether it is seen ahead, in the first stages, or on the way."""
    fine = [make_order(account.shop) for _ in range(12)]
    callbacks = badly_signed(account, None, *fine[:9], None, *fine[9:], None)
    mend(account)
    before = [(one.version, one.attempt_count, one.due_at, one.detail) for one in callbacks if not one.order_id]
    in_vain = [one for one in callbacks if not one.order_id]
    assert len(in_vain) == 3
    run = start(Verb.retry, manager)
    go_on()
    assert (run.state, run.succeeded, run.skipped) == (RunState.done, 12, 3)
    assert [(one.version, one.attempt_count, one.due_at, one.detail) for one in in_vain] == before
    assert {item.result for item in items(run) if item.result and not item.effect} == {
        "would fail again: no such order"
    }
    assert not set(db.session.scalars(select(Activity.callback_id))) & {one.id for one in in_vain}


def test_of_asked_gateways_only_what_their_answer_could_change_is_an_open_question(shop: Shop) -> None:
    account = make_account(
        shop, "paypal_ipn", receiver_emails=["a@shop.example"], environment="live", order_field="invoice"
    )
    asked, differs = (make_callback(account, message(make_order(shop))) for _ in range(2))
    process()
    db.session.execute(
        update(Callback)
        .values(state=State.unprocessed, due_at=None, due_kind=None, reason=Reason.gateway_unreachable)
        .where(Callback.shop_id == shop.id)
    )
    db.session.execute(
        update(Callback).values(reason=Reason.amount_mismatch, verdict=Verdict.genuine).where(Callback.id == differs.id)
    )
    db.session.commit()
    found = preview.effects_of(Verb.retry, ALL, shop)
    assert (found.asked.total(), found.may) == (1, 1)
    assert found.stays == {"Amount differs from the order": 1}
    assert preview.foretold(Verb.retry, [asked.id, differs.id]) == {differs.id: "Amount differs from the order"}


BESIDE = {
    "a payment that opens its order": Outcome.paid,
    "a refusal": Outcome.failed,
    "a cancellation": Outcome.cancelled,
}


@pytest.mark.parametrize("told", BESIDE.values(), ids=BESIDE)
@pytest.mark.parametrize("first", [True, False], ids=["before", "behind"])
def test_what_is_passed_over_follows_its_order_as_if_it_had_not_been_in_the_run(
    shop: Shop, manager: User, told: Outcome, first: bool
) -> None:
    """A payment of another sum waits for a person; what is told of its order besides is retried with it, or alone."""
    found = []
    for with_it in (True, False):
        account, order = make_account(shop, signing_secrets=["whsec_wrong"]), make_order(shop)
        fine = badly_signed(account, *(make_order(shop) for _ in range(7)))
        if first:
            differs = differing(shop, order)
        beside = make_callback(account, request_for(make_account(), message(order, told)))
        process()
        if not first:
            differs = differing(shop, order)
        mend(account)
        ids = tuple(one.id for one in (*fine, beside, *([differs] if with_it else [])))
        run = start(Verb.retry, manager, Selection(Filter(tab=Tab.all), ids))
        go_on()
        assert (run.state, run.succeeded + run.skipped, run.failed) == (RunState.done, 8 + with_it, 0)
        kinds = [attempt.kind for attempt in differs.attempts]
        found.append((order.state, order.owed, differs.reason, differs.conflict, beside.state, beside.effect, kinds))
        assert AttemptKind.retry not in kinds
    assert found[0] == found[1]


def differing(shop: Shop, order: Order) -> Callback:
    callback = make_callback(make_account(shop), message(order, money=Money(1, "EUR")))
    process()
    assert callback.reason is Reason.amount_mismatch
    return callback


def test_it_stops_when_more_fail_than_was_set(gateways: Gateways, shop: Shop, manager: User) -> None:
    unheard(shop, *(make_order(shop) for _ in range(207)))
    gateways.confirms = 7
    run = start(Verb.retry, manager)
    go_on(20)
    assert run.state is RunState.stopped
    assert run.stopped_why.endswith("failed: more than 50 %.")
    assert (run.succeeded, run.left > 0) == (7, True)


def test_what_came_is_added_up_on_the_way_as_it_would_be_counted(
    gateways: Gateways, account: GatewayAccount, shop: Shop, manager: User
) -> None:
    badly_signed(account, make_order(shop), None, make_order(shop, minor=700), None, make_order(shop))
    unheard(shop, *(make_order(shop, minor=1000) for _ in range(4)))
    mend(account)
    gateways.confirms = 3
    run = start(Verb.retry, manager)
    for steps in (1, 200):
        go_on(steps)
        kept = receipt.tallies(run), receipt.opened(run)
        assert run.added_up
        assert kept[0][-1].state in (ItemState.waiting, ItemState.failed)
        forget(run)
        assert sorted(kept[0], key=str) == sorted(receipt.tallies(run), key=str)
        assert kept[1] == receipt.opened(run)
        db.session.rollback()
    assert (run.state, run.succeeded, run.failed, run.skipped) == (RunState.done, 6, 1, 2)
    assert receipt.opened(run) == (Money(5990 * 2 + 700 + 3000, "EUR"),)


def test_what_test_orders_are_about_is_no_money(account: GatewayAccount, shop: Shop, manager: User) -> None:
    signer = make_account()
    for test in (True, False):
        said = message(make_order(shop, minor=700, test=test), test=test)
        make_callback(account, request_for(signer, said))
    process()
    mend(account)
    foreseen = preview.effects_of(Verb.retry, ALL, shop)
    assert (foreseen.effects, foreseen.money(Effect.opened)) == ({Effect.opened: 2}, [Money(700, "EUR")])
    run = start(Verb.retry, manager)
    go_on()
    assert (run.succeeded, receipt.opened(run)) == (2, (Money(700, "EUR"),))
    forget(run)
    assert receipt.opened(run) == (Money(700, "EUR"),), "counted, as of a run of the release before"


def forget(run: BulkRun) -> None:
    """As of a run that a former release did."""
    run.came, run.opened = {}, {}
    db.session.flush()


def test_what_moved_on_meanwhile_is_skipped_with_the_sentence_why(account: GatewayAccount, manager: User) -> None:
    one, other = badly_signed(account, make_order(account.shop), make_order(account.shop))
    mend(account)
    run = start(Verb.retry, manager)
    other.do(Verb.remove, manager, "a copy")
    db.session.commit()
    go_on()
    assert (run.state, run.succeeded, run.skipped) == (RunState.done, 1, 1)
    assert "can't be retried now" in (items(run)[1].detail or "")
    assert (one.state, other.state) == (State.processed, State.invalid)


def test_two_managers_at_once_do_each_callback_once(account: GatewayAccount, manager: User) -> None:
    other = make_user(Role.manager, account.shop)
    orders = [make_order(account.shop) for _ in range(10)]
    callbacks = badly_signed(account, *orders)
    mend(account)
    runs = [start(Verb.retry, manager), start(Verb.retry, other)]
    go_on()
    assert [run.state for run in runs] == [RunState.done, RunState.done]
    assert sum(run.succeeded for run in runs) == 10
    assert sum(run.skipped for run in runs) == 10
    assert {callback.attempt_count for callback in callbacks} == {2}
    assert all(len(order.ledger) == 1 for order in orders)


def test_a_paused_run_waits_and_goes_on_after_everything_was_restarted(account: GatewayAccount, manager: User) -> None:
    badly_signed(account, *(make_order(account.shop) for _ in range(9)))
    mend(account)
    run = start(Verb.retry, manager)
    jobs.bulk()
    run.pause(manager)
    db.session.commit()
    go_on(5)
    assert (run.state, run.succeeded, run.asked) == (RunState.paused, 1, 0)
    run.resume(manager)
    db.session.commit()
    id_ = run.id
    db.session.remove()
    for _ in range(5):  # nothing rang: the sweep alone takes it up
        jobs.sweep(False)
        process()
    run = db.session.get_one(BulkRun, id_)
    assert (run.state, run.succeeded) == (RunState.done, 9)


def test_a_cancelled_run_leaves_the_rest_as_it_is(account: GatewayAccount, manager: User) -> None:
    callbacks = badly_signed(account, *(make_order(account.shop) for _ in range(9)))
    mend(account)
    run = start(Verb.retry, manager)
    jobs.bulk()
    process()
    run.cancel(manager)
    db.session.commit()
    go_on(3)
    assert (run.state, run.succeeded, run.left) == (RunState.cancelled, 1, 8)
    assert [callback.state for callback in callbacks].count(State.unprocessed) == 8
    with pytest.raises(Refused):
        run.resume(manager)


@pytest.mark.parametrize("end", ["switched off", "made a viewer"])
def test_a_run_stops_where_its_user_may_act_no_more(account: GatewayAccount, manager: User, end: str) -> None:
    callbacks = badly_signed(account, *[None] * 9)
    run = start(Verb.remove, manager)
    if end == "switched off":
        manager.active = False
    else:
        manager.memberships[0].role = Role.viewer
    db.session.commit()
    go_on()
    assert (run.state, run.stopped_why) == (RunState.stopped, outcomes.may_no_more(manager.name))
    assert {callback.state for callback in callbacks} == {State.unprocessed}


def test_removing_many_can_be_undone_at_once(account: GatewayAccount, manager: User) -> None:
    callbacks = badly_signed(account, *[None] * 7)
    run = start(Verb.remove, manager)
    go_on()
    assert {callback.state for callback in callbacks} == {State.invalid}
    back = run.undo(manager)
    db.session.commit()
    go_on()
    assert {callback.state for callback in callbacks} == {State.unprocessed}
    assert (back.state, back.undoes_id, back.succeeded) == (RunState.done, run.id, 7)


def test_an_undo_leaves_what_was_done_since_as_it_is(account: GatewayAccount, manager: User) -> None:
    first, second, third = badly_signed(account, *[None] * 3)
    run = start(Verb.remove, manager)
    go_on()
    colleague = make_user(Role.manager, account.shop)
    second.do(Verb.restore, colleague, "it is ours after all")
    third.do(Verb.restore, colleague, "let me look")
    third.do(Verb.remove, colleague, "no, it is not")
    db.session.commit()
    back = run.undo(manager)
    db.session.commit()
    go_on()
    assert (back.succeeded, back.skipped) == (1, 2)
    assert [one.state for one in (first, second, third)] == [State.unprocessed, State.unprocessed, State.invalid]
    assert items(back)[1].detail == "Something was done to it since."


def test_what_breaks_our_code_costs_neither_its_run_nor_the_next(
    account: GatewayAccount, manager: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = [make_order(account.shop) for _ in range(3)]
    odd, *others = badly_signed(account, *orders)
    mend(account)
    decide = deciding.decide

    def breaks(order: OrderFacts, *about: Any) -> Decision:
        if order.number == orders[0].number:
            raise RuntimeError("it broke")
        return decide(order, *about)

    monkeypatch.setattr(deciding, "decide", breaks)
    runs = [start(Verb.retry, manager, Selection(Filter(), (one.id,))) for one in (odd, *others)]
    go_on()
    assert [(run.succeeded, run.failed) for run in runs] == [(0, 1), (1, 0), (1, 0)]
    assert odd.reason is Reason.crashed


def test_removing_and_forcing_need_a_reason(account: GatewayAccount, manager: User) -> None:
    badly_signed(account, None)
    for verb in (Verb.remove, Verb.force):
        with pytest.raises(Refused, match="Say why"):
            start(verb, manager, why="")
        db.session.rollback()


def test_many_are_forced_only_where_the_gateway_was_not_heard(account: GatewayAccount, manager: User) -> None:
    order, denied = make_order(account.shop), make_order(account.shop)
    (forged,) = badly_signed(account, denied)
    other = make_callback(make_account(account.shop), message(order, money=Money(1, "EUR")))
    (silent,) = unheard(account.shop, order)
    run = start(Verb.force, manager, Selection(Filter(), (forged.id, other.id, silent.id)))
    go_on()
    assert (run.succeeded, run.skipped, order.state) == (1, 2, OrderState.open)
    assert denied.state is OrderState.temporary
    assert AttemptKind.forced not in {attempt.kind for one in (other, forged) for attempt in one.attempts}


def test_above_the_shops_limit_none_is_forced_among_many(account: GatewayAccount, manager: User) -> None:
    account.shop.order_rules = OrderRules(force_limit=Money(100, "EUR"))
    order = make_order(account.shop)
    (silent,) = unheard(account.shop, order)
    run = start(Verb.force, manager, Selection(Filter(), (silent.id,)))
    go_on()
    assert (run.skipped, order.state) == (1, OrderState.temporary)


def test_another_shops_callbacks_are_never_in_a_run(account: GatewayAccount, manager: User) -> None:
    (own,) = badly_signed(account, None)
    (foreign,) = badly_signed(make_account(make_shop(), signing_secrets=["whsec_wrong"]), None)
    run = start(Verb.remove, manager, Selection(Filter(), (own.id, foreign.id)))
    assert [item.callback_id for item in items(run)] == [own.id]
    go_on()
    assert foreign.state is State.unprocessed


def test_nothing_of_a_run_can_be_deleted_or_pointed_elsewhere(account: GatewayAccount, manager: User) -> None:
    badly_signed(account, None)
    start(Verb.remove, manager)
    for statement in (
        "DELETE FROM bulk_items",
        "DELETE FROM bulk_runs",
        "UPDATE bulk_items SET callback_id = 1",
        "UPDATE bulk_runs SET why = ''",
    ):
        with pytest.raises(IntegrityError, match="kept for ever"):
            db.session.execute(text(statement))
        db.session.rollback()


def test_the_rate_is_that_of_the_present_stretch() -> None:
    now = utcnow()
    run = BulkRun(
        total=100, succeeded=30, failed=0, skipped=0, asked=0, since=now - timedelta(seconds=10), since_done=10
    )
    run.state = RunState.running
    assert run.rate(now) == 2.0
    assert run.time_left(now) == timedelta(seconds=35)
