"""A click is about what its person saw: it counts as long as that still stands."""

from __future__ import annotations

import pytest
from flask import Flask

from shopcallbacks.callbacks.callback import FIRST_OF_TWO, Callback
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.errors import Reason, Refused
from shopcallbacks.domain.states import AttemptKind, Verb
from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from shopcallbacks.shops.order_rules import OrderRules

from ..factories import make_account, make_callback, make_order, make_user, message, process

MOVED = "This callback has moved on since you saw it"


@pytest.fixture
def lost(app: Flask) -> Callback:
    """It waits for its order, and is tried again by itself."""
    callback = make_callback(make_account(), message("later"))
    process()
    assert callback.reason is Reason.order_not_found
    return callback


def tried_again(callback: Callback) -> None:
    callback.due_at, callback.due_kind = utcnow(), AttemptKind.automatic
    process()


def done(callback: Callback, seen: int) -> None:
    callback.do(Verb.remove, make_user(), "spam", seen=seen)


@pytest.mark.parametrize("times", [1, 2, 5])
def test_it_stands_where_it_was_only_tried_again_by_itself_and_came_to_the_same(lost: Callback, times: int) -> None:
    seen = lost.version
    for _ in range(times):
        tried_again(lost)
    assert lost.version == seen + times
    done(lost, seen)


def test_not_where_it_came_to_something_else(lost: Callback) -> None:
    seen = lost.version
    make_order(lost.account.shop, number="later", minor=1)
    tried_again(lost)
    assert lost.reason is Reason.amount_mismatch
    with pytest.raises(Refused, match=MOVED):
        done(lost, seen)


def test_not_where_it_was_something_else_when_it_was_seen(lost: Callback) -> None:
    tried_again(lost)
    with pytest.raises(Refused, match=MOVED):
        done(lost, seen=0)  # before anything had looked at it


def test_not_where_a_person_had_it_tried_again(lost: Callback) -> None:
    seen = lost.version
    lost.do(Verb.retry, make_user())
    process()
    tried_again(lost)
    with pytest.raises(Refused, match=MOVED):
        done(lost, seen)


@pytest.mark.parametrize("act_first", [True, False])
def test_not_where_somebody_acted_in_between(lost: Callback, act_first: bool) -> None:
    """Though it has the state of before: removed and restored, and tried again before or behind that."""
    tried_again(lost)
    tried_again(lost)
    seen = lost.version
    if not act_first:
        tried_again(lost)
    lost.do(Verb.remove, make_user(), "spam")
    db.session.commit()
    lost.do(Verb.restore, make_user())
    db.session.commit()
    if act_first:
        tried_again(lost)
    with pytest.raises(Refused, match=MOVED):
        done(lost, seen)


def test_a_force_that_takes_two_is_asked_for_by_who_saw_nobody_ask(lost: Callback) -> None:
    lost.account.shop.order_rules = OrderRules(force_limit=Money(1, "EUR"))
    tried_again(lost)
    seen = lost.version
    lost.do(Verb.force, make_user(), "seen there", seen=seen)
    db.session.commit()
    assert lost.first_of_two is not None
    assert lost.first_of_two.verb == FIRST_OF_TWO
    with pytest.raises(Refused, match=MOVED):
        lost.do(Verb.force, make_user(), "there too", seen=seen)


@pytest.mark.parametrize("seen", [-(10**30), -1, 10**30])
def test_what_nobody_can_have_seen_has_moved_on(lost: Callback, seen: int) -> None:
    with pytest.raises(Refused, match=MOVED):
        done(lost, seen)


def test_what_waits_for_a_person_is_decided_as_it_was_seen_to_the_letter(app: Flask) -> None:
    """It is looked at again only where its order has changed."""
    account = make_account()
    callback = make_callback(account, message(make_order(account.shop, minor=1).number))
    process()
    seen = callback.version
    tried_again(callback)
    assert callback.reason is Reason.amount_mismatch
    with pytest.raises(Refused, match=MOVED):
        done(callback, seen)
