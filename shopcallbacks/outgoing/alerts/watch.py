"""Alerting: looks at a shop's queue, and when something has changed makes one message of it for each address.

The figures are those of the widget. What was told stands in the database, so that neither a restart nor a second
worker tells it again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flask import current_app

from ...bells import bell
from ...clock import utcnow
from ...dashboard import floods, glance, silence
from ...dashboard.decisions import DUE_WITHIN
from ...dashboard.glance import Summary
from ...dashboard.second_person import Asked, asked
from ...dashboard.silence import Heard
from ...extensions import db
from ...orders import lists
from ...orders.lists import Dispute
from ...shops.accounts import GatewayAccount
from . import handover, texts
from .rules import AlertKind, AlertMessage, AlertRules, DisputeTold, FloodTold, Rule, SecondTold, SilenceTold, Told
from .texts import Text

# A rule that comes true again so soon after it was told is not told again before.
CALM = timedelta(minutes=15)
CALM_AFTER_A_FLOOD = timedelta(days=1)


def look(outside: bool = False, began: datetime | None = None) -> bool:
    """Looks at the shop not looked at for longest, if any was due when the round began. The caller commits, and looks
    again where True.

    `outside`: who looks is no worker, and so can tell that none is there.
    """
    now = utcnow()
    rules = AlertRules.next_to_look_at(began or now)
    if rules is None:
        return False
    # Once a minute is enough for silences and floods, which take many counts to judge.
    gateways = rules.looked_at is None or rules.looked_at.minute != now.minute
    rules.looked_at = now
    tell(rules, glance.summary(rules.shop_id, now), gateways, outside)
    return True


def tell(rules: AlertRules, summary: Summary, gateways: bool = True, outside: bool = False) -> None:
    """Messages for what has changed since the shop was last told. `gateways`: also whether one is silent or flooded."""
    site = str(current_app.config["PUBLIC_URL"])
    for kind in changed(rules, Told.of(rules.shop_id), summary, outside):
        if kind is AlertKind.worker:
            post(rules, kind, texts.worker(rules, summary, bell().alive, site))
        else:
            post(rules, kind, texts.alert(kind, rules, summary, site))
    for kind, found in silences(rules, summary.now) if gateways else ():
        post(rules, kind, texts.silence(kind, rules.shop, found, summary, site))
    most = int(current_app.config["NOT_GENUINE_AN_HOUR"])
    for account in floods_to_tell(rules, summary.now, most) if gateways else ():
        post(rules, AlertKind.flood, texts.flood(account, most, summary, site))
    for kind, disputes in disputes_to_tell(rules, summary.now).items():
        post(rules, kind, texts.disputes(kind, rules.shop, disputes, summary, site))
    if waiting := seconds_to_tell(rules):
        post(rules, AlertKind.second, texts.second(rules.shop, waiting, summary, site))
    if digest_is_due(rules, summary):
        post(rules, AlertKind.digest, texts.alert(AlertKind.digest, rules, summary, site))
    if handover_is_due(rules, summary.now):
        day = handover.day_before(rules.shop, summary.now)
        post(rules, AlertKind.handover, texts.hand_over(rules, summary, day, site))


def tell_older(shop_id: int) -> None:
    """That an older back-up was put back, and what follows from it."""
    rules = AlertRules.of(shop_id)
    found = glance.summary(shop_id, utcnow())
    post(rules, AlertKind.older, texts.older(rules, found, current_app.config["PUBLIC_URL"]))


def post(rules: AlertRules, kind: AlertKind, said: Text) -> None:
    """One message for each address, and one for the webhook."""
    AlertMessage.hurry(rules.shop_id, utcnow())
    for recipient in rules.everyone:
        db.session.add(
            AlertMessage(
                shop_id=rules.shop_id,
                kind=kind,
                recipient=recipient,
                subject=said.subject,
                text=said.text,
                figures=said.figures,
            )
        )


def holding(rules: AlertRules, summary: Summary) -> set[Rule]:
    """Which of the wanted rules hold."""
    found: set[Rule] = set()
    if not summary.groups:
        return found
    limit = rules.money
    if rules.waiting:
        found.add(Rule.waiting)
    if rules.many is not None and summary.count > rules.many:
        found.add(Rule.many)
    if limit and any(money.currency == limit.currency and money.minor > limit.minor for money in summary.stakes):
        found.add(Rule.money)
    if rules.old_minutes is not None and summary.now - summary.since > timedelta(minutes=rules.old_minutes):
        found.add(Rule.old)
    return found


def changed(rules: AlertRules, told: dict[Rule, Told], summary: Summary, outside: bool = False) -> list[AlertKind]:
    """What to tell now, and notes that it is told."""
    found: list[AlertKind] = []
    hold = holding(rules, summary)
    # A worker that has just begun may look before it is seen: it tells nobody that it is missing.
    if (outside and summary.worker_missed) or (told[Rule.worker].holds and not summary.worker_alive):
        hold.add(Rule.worker)
    for rule, state in told.items():
        if rule in hold and not state.holds:
            if state.told_at is None or summary.now - state.told_at >= CALM:
                state.holds, state.told_at = True, summary.now
                found.append(AlertKind(rule))
        elif rule not in hold and state.holds:
            state.holds = False
            if rule is Rule.waiting and not summary.groups:
                found.append(AlertKind.clear)
            if rule is Rule.worker:
                found.append(AlertKind.worker_back)
    if found:
        rules.digest_at = summary.now
    return found


def silences(rules: AlertRules, now: datetime) -> list[tuple[AlertKind, Heard]]:
    """Gateways that have fallen silent, and those of which that was told and that are heard again; notes that so is."""
    found: list[tuple[AlertKind, Heard]] = []
    for heard in silence.heard(rules.shop, now) if rules.silent else ():
        told = SilenceTold.of(heard.account.id)
        if heard.silent and told.since is None:
            told.since = heard.last_genuine
            found.append((AlertKind.silent, heard))
        elif told.since is not None and heard.last_genuine and heard.last_genuine > told.since:
            told.since = None
            found.append((AlertKind.heard, heard))
    return found


def floods_to_tell(rules: AlertRules, now: datetime, most: int) -> list[GatewayAccount]:
    """Accounts that are flooded and of which that was not told; notes that it is, once a day at most."""
    found = []
    for account in rules.shop.accounts if rules.floods else ():
        told = FloodTold.of(account.id)
        if not floods.is_flooded(account, now, most):
            told.holds = False
        elif not told.holds and (told.told_at is None or now - told.told_at >= CALM_AFTER_A_FLOOD):
            told.holds, told.told_at = True, now
            found.append(account)
    return found


def disputes_to_tell(rules: AlertRules, now: datetime) -> dict[AlertKind, list[Dispute]]:
    """Disputes that are new, and those whose answer is due soon and was not when they were told; notes that they are.

    One that is over is forgotten: should it begin anew, it is told anew.
    """
    found: dict[AlertKind, list[Dispute]] = {}
    told = DisputeTold.of(rules.shop_id)
    for dispute in lists.all_disputed(rules.shop_id) if rules.disputes else ():
        payment = dispute.payment
        known = told.pop((payment.order_id, payment.place), None)
        due = payment.answer_by if payment.answer_by and payment.answer_by <= now + DUE_WITHIN else None
        if known is None:
            known = DisputeTold(order_id=payment.order_id, place=payment.place, shop_id=rules.shop_id)
            db.session.add(known)
            found.setdefault(AlertKind.disputed, []).append(dispute)
        elif due is not None and due != known.due_told:
            found.setdefault(AlertKind.dispute_due, []).append(dispute)
        known.due_told = due
    for over in told.values():
        db.session.delete(over)
    return found


def seconds_to_tell(rules: AlertRules) -> list[Asked]:
    """Callbacks that a second person is asked to force and of which that was not told; notes that it is."""
    found = asked(rules.shop, ~SecondTold.told()) if rules.seconds else []
    db.session.add_all(SecondTold(act_id=one.act.id) for one in found)
    return found


def digest_is_due(rules: AlertRules, summary: Summary) -> bool:
    """While callbacks wait, so many hours after the last word; never of an empty queue."""
    if not summary.groups:
        rules.digest_at = None
        return False
    last = rules.digest_at or summary.now
    due = rules.digest_hours is not None and summary.now - last >= timedelta(hours=rules.digest_hours)
    rules.digest_at = summary.now if due else last
    return due


def handover_is_due(rules: AlertRules, now: datetime) -> bool:
    """Once a day, from the hour on."""
    local = now.astimezone(ZoneInfo(rules.shop.time_zone))
    if rules.handover_hour is None or local.hour < rules.handover_hour or rules.handover_on == local.date():
        return False
    rules.handover_on = local.date()
    return True
