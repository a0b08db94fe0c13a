"""Callbacks that need a person, by cause: how many, since when, what is at stake, and the one next step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, or_, select, text

from ..callbacks.callback import Callback
from ..domain.errors import Reason
from ..domain.states import PAID_BUT
from ..domain.values import Money
from ..extensions import db
from ..orders.order import Order
from ..shops.accounts import GatewayAccount
from ..words.formats import Format
from ..words.masking import mask
from ..words.reasons import REASONS, cause


@dataclass(frozen=True)
class GroupWords:
    """A cause on the dashboard: headline, what is known, the one next step, and its colour."""

    headline: str
    line: str
    step: str
    dot: str


def group_words(group: Group, now: datetime, format_: Format) -> GroupWords:
    if group.reason is None:
        return GroupWords("Not looked at yet", "no worker has taken it; nothing is lost", "Look", "red")
    reason = REASONS[group.reason]
    title = group.account.title if group.account else "The gateway"
    asks = group.account.asks if group.account else False
    known = _known(group, title)
    if group.count > 1:
        known = f"since {format_.moment(group.oldest, now, seconds=False)}" + (f": {known}" if known else "")
    return GroupWords(mask(cause(group.reason, title, asks, group.conflict)), mask(known), reason.step, reason.dot)


def next_step(group: Group) -> str:
    """What to do about all of a cause, in a sentence."""
    assert group.reason is not None
    return REASONS[group.reason].advice.format(gateway=group.account.title if group.account else "the gateway")


def _known(group: Group, title: str) -> str:
    """One sentence for all of them, or the commonest as an example; nothing that the headline says already."""
    if group.paid_but:
        again = group.conflict.startswith(f"{PAID_BUT} the order is paid")
        return "money came in twice" if again else "money came in after the order had gone"
    known = group.detail.rstrip(".")
    known = known.removeprefix(f"{title} could not be asked: ")
    if group.reason is Reason.not_genuine and group.account and not known.startswith(title.split()[0]):
        known = f"{title}: {known[:1].lower()}{known[1:]}"
    return known if group.details < 2 else f"for example {known}"


@dataclass(frozen=True)
class Group:
    """The callbacks that need a person for one cause. `reason` None: stuck, nothing has looked at them yet."""

    reason: Reason | None
    account: GatewayAccount | None
    conflict: str
    count: int
    oldest: datetime
    latest: datetime
    detail: str
    details: int
    stakes: tuple[Money, ...]

    @property
    def paid_but(self) -> bool:
        """Money came in, and the orders do not take it."""
        return self.conflict.startswith(PAID_BUT)

    @property
    def key(self) -> str:
        """The same for the same cause from one look to the next."""
        return f"{self.reason or 'stuck'}-{self.account.slug if self.account else ''}-{self.conflict}".replace(" ", "-")


# Causes that sit with the gateway account: there one account is one cause.
OF_AN_ACCOUNT = (Reason.gateway_unreachable, Reason.not_genuine, Reason.account_disabled)
CAUSE = (
    Callback.reason,
    case((Callback.reason.in_(OF_AN_ACCOUNT), Callback.account_id)).label("account"),
    case((Callback.reason == Reason.order_conflict, Callback.detail), else_="").label("conflict"),
)
# Clusters are finer: by account, and by what is known, its numbers left out. Where every callback has a detail of its
# own, the detail makes no cluster.
OF_EACH = (Reason.order_not_found, Reason.amount_mismatch, Reason.currency_mismatch, Reason.unreadable, Reason.crashed)
_SHAPE = func.left(func.regexp_replace(Callback.detail, "[0-9]+([.,:-][0-9]+)*", "#", "g"), 150)
KNOWN: ColumnElement[str] = case(
    (or_(Callback.reason.is_(None), Callback.reason.in_(OF_EACH)), ""), (_SHAPE == "", "nothing"), else_=_SHAPE
)
CLUSTER = (Callback.reason, Callback.account_id.label("account"), KNOWN.label("conflict"))
CLUSTERS = 100


def clusters(*where: ColumnElement[bool]) -> tuple[Group, ...]:
    """Those callbacks by cause, in the finer way; `conflict` is what `KNOWN` says."""
    return _groups(CLUSTER, *where)


def _groups(by: Sequence[Any], *where: ColumnElement[bool]) -> tuple[Group, ...]:
    """The largest cause first."""
    stakes = _stakes_by_cause(by, *where)
    rows: Sequence[Any] = db.session.execute(
        select(
            *by,
            func.count().label("count"),
            func.min(Callback.received_at),
            func.max(Callback.received_at),
            func.mode().within_group(Callback.detail),
            func.count(Callback.detail.distinct()),
        )
        .where(*where)
        .group_by(*by)
        .order_by(text("count DESC"), func.min(Callback.received_at))
        .limit(CLUSTERS)
    ).all()
    found = []
    for reason, account_id, conflict, count_, oldest, latest, detail, details in rows:
        account = db.session.get(GatewayAccount, account_id) if account_id else None
        at_stake = tuple(stakes[reason, account_id, conflict])
        found.append(Group(reason, account, conflict, count_, oldest, latest, detail, details, at_stake))
    return tuple(found)


def _stakes_by_cause(by: Sequence[Any], *where: ColumnElement[bool]) -> dict[tuple[object, ...], list[Money]]:
    about = select(*by, Callback.order_id).where(*where).distinct().subquery()
    cause = (about.c.reason, about.c.account, about.c.conflict)
    stakes: dict[tuple[object, ...], list[Money]] = defaultdict(list)
    for *key, currency, minor in db.session.execute(
        select(*cause, Order.currency, func.sum(Order.amount_minor))
        .join(about, about.c.order_id == Order.id)
        .group_by(*cause, Order.currency)
        .order_by(Order.currency)
    ):
        stakes[tuple(key)].append(Money(int(minor), currency))
    return stakes
