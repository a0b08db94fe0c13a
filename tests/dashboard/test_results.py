"""What came by hour and by day, the hours that are kept, acceptance by gateway, and who has fallen silent."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import func, insert, select, update

from shopcallbacks.callbacks import moves
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.clock import utcnow
from shopcallbacks.dashboard import arrivals, glance, results, silence, speed
from shopcallbacks.dashboard.arrivals import Arrivals
from shopcallbacks.dashboard.results import Period, Results
from shopcallbacks.domain.states import State, Verb
from shopcallbacks.domain.values import Money, Outcome, Verdict
from shopcallbacks.extensions import db
from shopcallbacks.moving_in import callbacks as moving_in
from shopcallbacks.moving_in.callbacks import Kept
from shopcallbacks.outgoing.alerts import watch
from shopcallbacks.outgoing.alerts.rules import AlertKind, AlertMessage, AlertRules
from shopcallbacks.shops.accounts import GatewayAccount, Mode, Shop

from ..factories import made_at, make_account, make_callback, make_order, message, process, request_for

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def account(app: Flask) -> GatewayAccount:
    return make_account(slug="stripe")


@pytest.fixture
def shop(account: GatewayAccount) -> Shop:
    return account.shop


def came(account: GatewayAccount, at: datetime, good: bool = True) -> Callback:
    order = make_order(account.shop)
    callback = make_callback(account, message(order) if good else message(order, money=Money(1, "EUR")), at)
    process()
    return callback


def keep() -> None:
    arrivals.keep(utcnow())
    db.session.commit()


def counts(found: Results) -> tuple[int, int, int]:
    return found.count("processed"), found.count("unprocessed"), found.count("invalid")


def test_what_is_kept_and_what_is_counted_now_add_up(account: GatewayAccount, shop: Shop) -> None:
    now = utcnow()
    for hours in (0, 1, 5, 20):
        came(account, now - hours * HOUR)
    came(account, now - 5 * HOUR, good=False)
    before = results.count(shop, Period.hours, now)
    keep()
    assert db.session.scalar(select(func.sum(Arrivals.came))) >= 3
    assert results.count(shop, Period.hours, now) == before
    assert counts(before) == (4, 1, 0)


def test_what_is_removed_or_processed_later_moves_in_its_own_hour(account: GatewayAccount, shop: Shop) -> None:
    now = utcnow()
    removed, helped = came(account, now - 5 * HOUR, good=False), came(account, now - 6 * HOUR, good=False)
    keep()
    removed.do(Verb.remove, None, "a test")
    helped.order.amount_minor = 1  # type: ignore[union-attr]
    helped.do(Verb.retry, None)
    process()
    found = results.count(shop, Period.hours, now)
    assert counts(found) == (1, 0, 1)
    by_hour = {bar.start: bar for bar in found.bars}
    assert by_hour[arrivals.hour_of(now - 5 * HOUR, "UTC")].invalid == 1
    assert by_hour[arrivals.hour_of(now - 6 * HOUR, "UTC")].processed == 1
    (stripe,) = found.gateways
    assert (stripe.came, stripe.processed, stripe.helped, stripe.alone, stripe.share) == (2, 1, 1, 0, 0.5)


@pytest.mark.parametrize("verb", [Verb.reopen, Verb.owe])
def test_a_payment_that_a_person_decided_on_was_helped_and_did_not_come_through_alone(
    account: GatewayAccount, shop: Shop, verb: Verb
) -> None:
    order = make_order(shop)
    failed = make_callback(account, message(order, Outcome.failed))
    process()
    moves.cancel(order.id, "the shop")
    late = make_callback(account, message(order))
    process()
    late.do(verb, None, "talked to the customer")
    process()
    now = utcnow()
    (stripe,) = results.count(shop, Period.hours, now).gateways
    assert (failed.state, late.state) == (State.processed, State.processed)
    assert (stripe.processed, stripe.helped) == (2, 1)
    found = speed.speed(shop, now)
    assert found is not None
    assert found.alone == 0.5


def test_what_a_person_has_dealt_with_by_hand_did_not_come_through_alone(account: GatewayAccount, shop: Shop) -> None:
    came(account, utcnow())
    came(account, utcnow(), good=False).do(Verb.close, None, "settled on the telephone")
    db.session.commit()
    now = utcnow()
    (stripe,) = results.count(shop, Period.hours, now).gateways
    assert (stripe.processed, stripe.helped) == (2, 1)
    found = speed.speed(shop, now)
    assert found is not None
    assert found.alone == 0.5


def test_what_was_imported_is_in_no_figure_whatever_becomes_of_it(account: GatewayAccount, shop: Shop) -> None:
    now = utcnow()
    order = made_at(make_order(shop), now - 4 * DAY)
    requests = [
        request_for(account, said, now - 3 * DAY) for said in (message(order), message("none"), message("gone"))
    ]
    kept = moving_in.keep([Kept(one, "") for one in requests], account, db.session.commit).kept
    opened, waits, removed = (db.session.get_one(Callback, id_) for id_ in kept)
    opened.do(Verb.retry, None)
    waits.do(Verb.retry, None)
    removed.do(Verb.remove, None, "a test")
    process()
    assert (opened.state, waits.state) == (State.processed, State.unprocessed)
    found = results.count(shop, Period.days, now)
    (stripe,) = found.gateways
    assert counts(found) == (stripe.came, stripe.processed, stripe.helped) == (0, 0, 0)


def test_forged_ones_are_told_by_gateway(account: GatewayAccount, shop: Shop) -> None:
    request = make_callback(account, message(make_order(shop))).request
    db.session.rollback()
    account.secrets[0].value = "whsec_another"
    process()
    assert request
    (stripe,) = results.count(shop, Period.hours, utcnow()).gateways
    assert (stripe.came, stripe.processed, stripe.not_genuine, stripe.share) == (1, 0, 1, 0)


def test_a_gateway_nothing_came_from_has_no_share(account: GatewayAccount, shop: Shop) -> None:
    (stripe,) = results.count(shop, Period.days, utcnow()).gateways
    assert stripe.share is None


def test_another_shops_callbacks_are_not_counted(account: GatewayAccount, shop: Shop) -> None:
    came(make_account(), utcnow() - HOUR)
    keep()
    assert counts(results.count(shop, Period.days, utcnow())) == (0, 0, 0)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Vienna", "Asia/Kolkata", "America/New_York", "Asia/Kathmandu"])
def test_each_callback_is_in_the_day_of_the_shops_clock(account: GatewayAccount, shop: Shop, zone: str) -> None:
    shop.time_zone = zone
    db.session.commit()
    now = utcnow()
    midnight = now.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    came(account, midnight - DAY * 2 - timedelta(seconds=1))
    came(account, midnight - DAY * 2)
    keep()
    found = {bar.start.date(): bar.processed for bar in results.count(shop, Period.days, now).bars if bar.total}
    assert found == {(midnight - DAY * 2).date(): 1, (midnight - DAY * 3).date(): 1}


def test_a_day_on_which_the_clock_changes_is_a_day() -> None:
    now = datetime(2026, 10, 27, 12, tzinfo=UTC)
    days = results.starts(Period.days, now, "Europe/Vienna")
    lengths = [(b.astimezone(UTC) - a.astimezone(UTC)) / HOUR for a, b in itertools.pairwise(days)]
    assert len(days) == 30
    assert sorted(set(lengths)) == [24, 25]


def history(account: GatewayAccount, now: datetime, rate: int = 20, days: int = 20) -> None:
    """So many genuine ones in each hour of the last days, up to the last one three hours ago."""
    db.session.execute(update(GatewayAccount).values(created_at=now - days * DAY))
    start = arrivals.hour_of(now, "UTC")
    hours = [start - n * HOUR for n in range(3, days * 24)]
    db.session.execute(
        insert(Arrivals), [{"account_id": account.id, "hour": hour, "came": rate, "genuine": rate} for hour in hours]
    )
    db.session.commit()


def test_a_gateway_that_usually_speaks_has_fallen_silent(account: GatewayAccount, shop: Shop) -> None:
    now = utcnow()
    came(account, now - 3 * HOUR)
    history(account, now)
    (stripe,) = silence.heard(shop, now)
    assert stripe.silent
    assert stripe.usual == pytest.approx(20)
    came(account, now)
    (stripe,) = silence.heard(shop, utcnow())
    assert not stripe.silent


@pytest.mark.parametrize("change", [{"enabled": False}, {"mode": Mode.test}])
def test_one_that_is_off_or_a_test_is_not_missed(
    account: GatewayAccount, shop: Shop, change: dict[str, object]
) -> None:
    now = utcnow()
    came(account, now - 3 * HOUR)
    history(account, now)
    db.session.execute(update(GatewayAccount).values(**change))
    db.session.commit()
    assert not silence.heard(shop, now)[0].silent


def test_forged_ones_do_not_break_a_silence(account: GatewayAccount, shop: Shop) -> None:
    now = utcnow()
    came(account, now - 3 * HOUR)
    history(account, now)
    forged = came(account, now)
    db.session.execute(update(Callback).where(Callback.id == forged.id).values(verdict=Verdict.not_genuine))
    db.session.commit()
    assert silence.heard(shop, now)[0].silent


def told(shop: Shop) -> list[AlertKind]:
    before = db.session.scalar(select(func.max(AlertMessage.id))) or 0
    watch.tell(AlertRules.of(shop.id), glance.summary(shop.id, utcnow()))
    db.session.commit()
    return list(db.session.scalars(select(AlertMessage.kind).where(AlertMessage.id > before).order_by(AlertMessage.id)))


def test_a_silence_is_told_once_and_its_end_too(account: GatewayAccount, shop: Shop) -> None:
    rules = AlertRules.of(shop.id)
    rules.recipients, rules.waiting = "dana@shop.example", False
    came(account, utcnow() - 3 * HOUR)
    history(account, utcnow())
    assert [told(shop), told(shop)] == [[AlertKind.silent], []]
    message_ = db.session.scalars(select(AlertMessage)).one()
    assert "Stripe has been silent for 3 h 00 min; usual at this time: 20 an hour" in message_.subject
    came(account, utcnow())
    assert [told(shop), told(shop)] == [[AlertKind.heard], []]


def test_a_shop_with_four_callbacks_a_day_is_told_the_next_day(account: GatewayAccount, shop: Shop) -> None:
    rules = AlertRules.of(shop.id)
    rules.recipients, rules.waiting = "dana@shop.example", False
    now = utcnow()
    last = came(account, now - DAY - 6 * HOUR)
    db.session.execute(update(GatewayAccount).values(created_at=now - 50 * DAY))
    first = arrivals.hour_of(last.received_at, "UTC")
    hours = [first - n * HOUR for n in range(49 * 24)]
    rows = [
        {"account_id": account.id, "hour": at, "came": 1, "genuine": int((first - at) % (6 * HOUR) == 0 * HOUR)}
        for at in hours
    ]
    db.session.execute(insert(Arrivals), rows)
    db.session.commit()
    assert told(shop) == [AlertKind.silent]
    message_ = db.session.scalars(select(AlertMessage)).one()
    assert "Stripe has been silent for 1 d 6 h; usual: 4 a day" in message_.subject


def test_a_look_within_the_same_minute_leaves_silences_for_the_next(account: GatewayAccount, shop: Shop) -> None:
    rules = AlertRules.of(shop.id)
    rules.recipients, rules.waiting = "dana@shop.example", False
    came(account, utcnow() - 3 * HOUR)
    history(account, utcnow())
    watch.tell(AlertRules.of(shop.id), glance.summary(shop.id, utcnow()), gateways=False)
    db.session.commit()
    assert db.session.scalars(select(AlertMessage)).all() == []
    assert told(shop) == [AlertKind.silent]


def test_who_does_not_want_it_is_not_told_of_silence(account: GatewayAccount, shop: Shop) -> None:
    rules = AlertRules.of(shop.id)
    rules.recipients, rules.waiting, rules.silent = "dana@shop.example", False, False
    came(account, utcnow() - 3 * HOUR)
    history(account, utcnow())
    assert told(shop) == []
