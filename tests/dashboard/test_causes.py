"""Causes and clusters of them, in one statement: what it groups and sums beside the same done by hand."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from datetime import timedelta
from random import Random
from typing import Any

from flask import Flask
from sqlalchemy import select

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.clock import utcnow
from shopcallbacks.dashboard.causes import OF_AN_ACCOUNT, OF_EACH, Group, causes, causes_and_clusters
from shopcallbacks.domain.errors import Conflict, Reason
from shopcallbacks.domain.states import State
from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from shopcallbacks.panel.filter import Filter, Tab

from ..factories import make_account, make_callback, make_order, message

# Alike to the letter, but for their numbers, and not at all.
DETAILS = ["", "asked in 12.5 s", "asked in 340 s", "the hash differs"]
REASONS = [
    (None, None),
    (Reason.not_genuine, None),
    (Reason.not_genuine, Conflict.secret_retired),
    (Reason.gateway_unreachable, None),
    (Reason.amount_mismatch, None),
    (Reason.unclear, None),
]


def cause_of(one: Callback) -> Hashable:
    return one.reason, one.conflict, one.account_id if one.reason in OF_AN_ACCOUNT else None, ""


def cluster_of(one: Callback) -> Hashable:
    of_each = one.reason in (None, *OF_EACH) or one.conflict
    known = "" if of_each else re.sub("[0-9]+([.,:-][0-9]+)*", "#", one.detail) or "nothing"
    return one.reason, one.conflict, one.account_id, known


def by_hand(waiting: Iterable[Callback], key: Callable[[Callback], Hashable]) -> dict[Hashable, list[Callback]]:
    found: dict[Hashable, list[Callback]] = {}
    for one in waiting:
        found.setdefault(key(one), []).append(one)
    return found


def key_of(group: Group) -> Hashable:
    return group.reason, group.conflict, group.account_id, group.known


def told(group: Group) -> dict[str, Any]:
    return {name: getattr(group, name) for name in ("count", "oldest", "latest", "lately", "varied", "stakes")}


def summed(of: list[Callback]) -> dict[str, Any]:
    orders = {one.order_id: one.order for one in of if one.order is not None}
    sums: Counter[str] = Counter()
    for order in orders.values():
        sums[order.currency] += order.amount_minor
    return {
        "count": len(of),
        "oldest": min(one.received_at for one in of),
        "latest": max(one.received_at for one in of),
        "lately": sum(one.received_at > utcnow() - timedelta(hours=1) for one in of),
        "varied": len({one.detail for one in of}) > 1,
        "stakes": tuple(Money(sums[currency], currency) for currency in sorted(sums)),
    }


def test_each_callback_is_in_one_cause_and_one_cluster_and_each_order_at_stake_once_in_either(app: Flask) -> None:
    random, first = Random(13), make_account()
    accounts = [first, make_account(first.shop)]
    orders = [make_order(first.shop, minor=100 + n, currency="EUR" if n % 3 else "JPY") for n in range(6)]
    for n in range(90):
        one = make_callback(random.choice(accounts), message(f"of-{n}"), utcnow() - timedelta(minutes=2 * n))
        one.state = State.unprocessed
        one.reason, one.conflict = random.choice(REASONS)
        one.detail, one.order_id = random.choice(DETAILS), random.choice([None, *(order.id for order in orders)])
    db.session.commit()
    waiting = list(db.session.scalars(select(Callback)))

    coarse, finer = causes_and_clusters(Callback.state == State.unprocessed)

    for groups, key in ((coarse, cause_of), (finer, cluster_of)):
        wanted = by_hand(waiting, key)
        assert {key_of(group): told(group) for group in groups} == {name: summed(of) for name, of in wanted.items()}
        assert all(group.detail in {one.detail for one in wanted[key_of(group)]} for group in groups)
    assert causes(Callback.state == State.unprocessed) == coarse


def test_what_is_ours_to_mend_comes_first_then_the_largest(app: Flask) -> None:
    account = make_account()
    for reason, conflict, count in (
        (Reason.unclear, None, 2),
        (Reason.amount_mismatch, None, 3),
        (Reason.not_genuine, Conflict.secret_retired, 1),
    ):
        for _ in range(count):
            one = make_callback(account, message(make_order(account.shop)))
            one.state, one.reason, one.conflict = State.unprocessed, reason, conflict
    db.session.commit()
    for groups in causes_and_clusters(Callback.state == State.unprocessed):
        assert [group.count for group in groups] == [1, 3, 2]


def test_the_commonest_words_stand_for_all(app: Flask) -> None:
    account = make_account()
    for detail in ("asked in 9 s", "asked in 10 s", "asked in 10 s", "asked in 8 s"):
        one = make_callback(account, message(make_order(account.shop)))
        one.state, one.reason, one.detail = State.unprocessed, Reason.gateway_unreachable, detail
    db.session.commit()
    for (group,) in causes_and_clusters(Callback.state == State.unprocessed):
        assert (group.detail, group.varied) == ("asked in 10 s", True)


def test_what_is_cut_behind_a_word_is_the_same_in_an_address(app: Flask) -> None:
    account = make_account()
    one = make_callback(account, message(make_order(account.shop)))
    one.state, one.reason, one.detail = State.unprocessed, Reason.unclear, "x" * 149 + " and more of it"
    db.session.commit()
    _, (part,) = causes_and_clusters(Callback.state == State.unprocessed)
    found = Filter.from_query(Filter(Tab.all, reason=part.reason, known=part.known).query)
    assert list(db.session.scalars(found.select(account.shop))) == [one]
