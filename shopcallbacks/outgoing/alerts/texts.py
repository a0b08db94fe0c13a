"""What alerts say: the widget's words and figures, as a subject, a text, and figures for programs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from ...dashboard import causes
from ...dashboard.causes import Group
from ...dashboard.glance import Summary
from ...dashboard.second_person import Asked
from ...dashboard.silence import Heard, silent
from ...domain.errors import Reason
from ...domain.states import State
from ...orders.lists import Dispute
from ...shops.accounts import GatewayAccount, Shop
from ...words import acts, outcomes, pages
from ...words.formats import PLAIN, Format, age
from ...words.masking import foreign
from .handover import Day
from .rules import AlertKind, AlertRules

CAUSES = 8
# Of these the detail is in our own words; in that of any other stands what a gateway said, or its customer wrote.
OWN_WORDS = (
    Reason.amount_mismatch,
    Reason.currency_mismatch,
    Reason.order_conflict,
    Reason.account_disabled,
    Reason.gateway_unreachable,
)


@dataclass(frozen=True)
class Text:
    """What a message says: in one line, in full, and as figures for a webhook."""

    subject: str
    text: str
    figures: dict[str, Any]


def alert(kind: AlertKind, rules: AlertRules, summary: Summary, site: str) -> Text:
    shop = rules.shop
    return _text(kind, shop, summary, _headline(kind, rules, summary), _lines(shop, summary), site)


def worker(rules: AlertRules, summary: Summary, redis: bool, site: str) -> Text:
    """No worker is there, told by who is none. `redis`: it answers."""
    headline = "The worker has stopped" if summary.worker_seen else "There is no worker"
    lines = [
        pages.worker_gone(summary.worker_seen, summary.now, summary.due, redis),
        "",
        "What gateways send is kept meanwhile, and no order moves. Tell the people who run the installation:",
        "as soon as a worker is there it takes up all that waits.",
    ]
    return _text(AlertKind.worker, rules.shop, summary, headline, lines, site)


def older(rules: AlertRules, summary: Summary, site: str) -> Text:
    """The database is older than what the shop was told."""
    lines = [
        pages.OLDER_BACK_UP,
        "",
        "Tell the people who run the installation. Once they have done so, switch the endpoint on again in",
        "Settings > Shop endpoint; what waits is sent then.",
    ]
    return _text(AlertKind.older, rules.shop, summary, "An older back-up was put back", lines, site)


def hand_over(rules: AlertRules, summary: Summary, day: Day, site: str) -> Text:
    shop = rules.shop
    came = ", ".join(
        f"{PLAIN.number(day.states[state])} {outcomes.STATES[state]}" for state in State if state in day.states
    )
    lines = [
        f"Since this time yesterday {PLAIN.counted(day.received, 'callback')} came in{': ' + came if came else ''}.",
        "",
    ]
    lines += _lines(shop, summary) or ["Nothing waits for a person."]
    if day.acts:
        lines += ["", "Who did what:"]
        lines += [f"- {who} {acts.ACTS.get(verb, verb)}{f' ({n} times)' if n > 1 else ''}" for who, verb, n in day.acts]
    waits = _how_many(summary) if summary.groups else "nothing waits"
    return _text(AlertKind.handover, shop, summary, f"Hand-over: {waits}", lines, site)


def silence(kind: AlertKind, shop: Shop, heard: Heard, summary: Summary, site: str) -> Text:
    """A gateway has fallen silent, or is heard again."""
    title = heard.account.title
    if kind is AlertKind.heard:
        return _text(kind, shop, summary, f"{title} is heard again", _lines(shop, summary), site)
    lines = [
        f"So long a silence is not usual at this time. Look whether {title} has trouble, and whether it still calls",
        "the address that Settings > Gateways shows. Orders it would open stay temporary meanwhile.",
    ]
    return _text(kind, shop, summary, silent(heard), lines, site)


def flood(account: GatewayAccount, most: int, summary: Summary, site: str) -> Text:
    """Far more came to an account than is usual that was not genuine."""
    title, shop = account.title, account.shop
    lines = [
        "None of them counts, and all are kept. Genuine callbacks are processed as ever, and no other account waits.",
        f"Somebody may know the address that {title} calls. Look at a few: where none is from {title}, mark all of",
        "this cause as invalid at once. Where they are, its signing secret differs from the one in the settings.",
    ]
    headline = f"More than {PLAIN.number(most)} callbacks in an hour were not genuine: {title}"
    path = f"/callbacks/causes?shop={shop.slug}&account={account.slug}"
    return _text(AlertKind.flood, shop, summary, headline, lines, site, path)


def disputes(kind: AlertKind, shop: Shop, found: list[Dispute], summary: Summary, site: str) -> Text:
    """Payments are disputed, or their answers are due soon."""
    written = Format(shop.time_zone)
    one, first = found[0].order.number if len(found) == 1 else None, _until(found[0], written)
    if kind is AlertKind.dispute_due and one:
        headline = f"The dispute of order {one} is to be answered {first}"
    elif kind is AlertKind.dispute_due:
        headline = f"{PLAIN.number(len(found))} disputes are to be answered, the first {first}"
    else:
        headline = f"A payment of order {one} is disputed" if one else f"{len(found)} payments are disputed"
    lines = [
        f"- order {dispute.order.number}, {PLAIN.money(dispute.order.total)}, answer {_until(dispute, written)}: "
        f"{site}/orders/{dispute.order.id}"
        for dispute in found[:CAUSES]
    ]
    if len(found) > CAUSES:
        lines.append(f"- and {PLAIN.counted(len(found) - CAUSES, 'other')}")
    lines += ["", "Answer in the gateway's back office. Who does not answer in time loses the money."]
    return _text(kind, shop, summary, headline, lines, site, f"/orders?shop={shop.slug}&disputed=1")


def second(shop: Shop, waiting: list[Asked], summary: Summary, site: str) -> Text:
    """One person asked another one to force."""
    written = Format(shop.time_zone)
    how_many = PLAIN.counted(len(waiting), "callback")
    lines = [
        f"- {_about(one)}: {one.act.actor} asks, since {written.kept(one.act.at)}: {site}/callbacks/{one.callback.id}"
        for one in waiting[:CAUSES]
    ]
    if len(waiting) > CAUSES:
        lines.append(f"- and {PLAIN.counted(len(waiting) - CAUSES, 'other')}")
    lines += ["", "Look each payment up in its gateway before you force it. Who asked can't do it themselves."]
    return _text(AlertKind.second, shop, summary, f"A second person is asked to force {how_many}", lines, site)


def _about(one: Asked) -> str:
    order = one.callback.order
    return f"order {order.number}, {PLAIN.money(order.total)}" if order else f"callback {one.callback.id}, of no order"


def _until(dispute: Dispute, written: Format) -> str:
    """ "until 3 Dec 2026", as exactly as the gateway has said."""
    by = dispute.payment.facts.answer_by
    if by is None:
        return "soon: the gateway has not said until when"
    day = by if not isinstance(by, datetime) else by.astimezone(ZoneInfo(written.zone)).date()
    return f"until {written.day(day)}" + (f" {written.clock(by, 'HH:mm')}" if isinstance(by, datetime) else "")


def test(shop: Shop, summary: Summary, who: str, site: str) -> Text:
    lines = [f"{who} sent it from the settings. Real alerts look like this:", "", *_lines(shop, summary)]
    return _text(AlertKind.test, shop, summary, "This is a test", lines, site)


def _text(
    kind: AlertKind, shop: Shop, summary: Summary, headline: str, lines: list[str], site: str, path: str = ""
) -> Text:
    """`path`: what it is about, where that is not the dashboard."""
    address = site + (path or f"/?shop={shop.slug}")
    body = "\n".join([f"{headline}.", "", *lines, *([""] if lines else []), address, ""])
    subject = " ".join(f"[{shop.name}] {headline}".split())[:200]
    return Text(subject, body, _figures(kind, shop, summary, headline, address))


def _figures(kind: AlertKind, shop: Shop, summary: Summary, headline: str, address: str) -> dict[str, Any]:
    return {
        "kind": str(kind),
        "shop": shop.slug,
        "headline": headline,
        "count": summary.count,
        "at_stake": [{"amount": str(money.amount), "currency": money.currency} for money in summary.stakes],
        "oldest": summary.oldest.isoformat() if summary.oldest else None,
        "at": summary.now.isoformat(),
        "url": address,
    }


def _headline(kind: AlertKind, rules: AlertRules, summary: Summary) -> str:
    match kind:
        case AlertKind.worker_back:
            return "The worker is at work again"
        case AlertKind.clear:
            return "The queue is empty again"
        case AlertKind.many:
            return f"More than {PLAIN.number(rules.many or 0)} callbacks need a person: {PLAIN.number(summary.count)}"
        case AlertKind.money:
            return f"More than {PLAIN.money(rules.money)} is waiting on a decision: {_stakes(summary)}"
        case AlertKind.old:
            return f"A callback has been waiting for {age(summary.since, summary.now)}"
        case _:
            return _how_many(summary)


def _how_many(summary: Summary) -> str:
    need = "needs" if summary.count == 1 else "need"
    return f"{PLAIN.counted(summary.count, 'callback')} {need} a person" + (
        f", {_stakes(summary)}" if summary.stakes else ""
    )


def _stakes(summary: Summary) -> str:
    return " + ".join(PLAIN.money(money) for money in summary.stakes)


def _in_few_words(group: Group) -> Group:
    return group if group.reason in OWN_WORDS else replace(group, detail=foreign(group.detail))


def _lines(shop: Shop, summary: Summary) -> list[str]:
    """How many, then cause by cause with its next step."""
    if not summary.groups:
        return []
    lines = [f"{_how_many(summary)}; oldest {age(summary.since, summary.now)}."]
    for group in map(_in_few_words, summary.groups[:CAUSES]):
        said = causes.group_words(group, summary.now, Format(shop.time_zone))
        stakes = " + ".join(PLAIN.money(money) for money in group.stakes)
        line = f"- {PLAIN.number(group.count)} x {said.headline}" + (f", {stakes}" if stakes else "")
        lines.append(f"{line}: {said.line}. Next: {said.step}." if said.line else f"{line}. Next: {said.step}.")
    if len(summary.groups) > CAUSES:
        lines.append(f"- and {PLAIN.counted(len(summary.groups) - CAUSES, 'other cause')}")
    if not summary.worker_alive:
        lines.append(pages.worker_gone(summary.worker_seen, summary.now, summary.due, True))
    return lines
