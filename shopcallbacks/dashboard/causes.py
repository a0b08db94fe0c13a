"""Callbacks that need a person, by cause: how many, since when, what is at stake, and the one next step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, any_, case, false, func, literal, or_, select, text, true

from ..callbacks.callback import MISMATCHES, TO_DECIDE, Callback
from ..domain.errors import OURS_TO_MEND, Conflict, Reason
from ..domain.money import causes_for
from ..domain.states import Verb
from ..domain.values import Money
from ..extensions import db, utcnow
from ..orders.order import Order
from ..shops.accounts import GatewayAccount
from ..words.formats import Format, going_on
from ..words.masking import mask
from ..words.reasons import NextStep, cause_of_any, words_of


@dataclass(frozen=True)
class GroupWords:
    """A cause on the dashboard: headline, what is known, the one next step, and its colour."""

    headline: str
    line: str
    step: NextStep
    dot: str


def group_words(group: Group, now: datetime, format_: Format) -> GroupWords:
    if group.reason is None:
        return GroupWords("Not looked at yet", "waits for the worker; nothing is lost", NextStep.look, "red")
    reason = words_of(group.reason, group.conflict)
    gateways = [(group.account.title, group.account.asks)] if group.account else []
    known = _known(group, group.account.title if group.account else "The gateway")
    if group.count > 1:
        known = f"since {format_.moment(group.oldest, now, seconds=False)}" + (f": {known}" if known else "")
    return GroupWords(mask(cause_of_any(group.reason, group.conflict, gateways)), mask(known), reason.step, reason.dot)


def next_step(group: Group) -> str:
    """What to do about all of a cause, in a sentence."""
    assert group.reason is not None
    return words_of(group.reason, group.conflict).advice.format(
        gateway=group.account.title if group.account else "the gateway"
    )


def _known(group: Group, title: str) -> str:
    """One sentence for all of them, or the commonest as an example; nothing that the headline says already."""
    if group.conflict in _MEANS:
        return _MEANS[group.conflict]
    known = group.detail.rstrip(".")
    known = known.removeprefix(f"{title} could not be asked: ")
    if group.reason is Reason.not_genuine and group.account and not known.startswith(title.split()[0]):
        known = f"{title}: {going_on(known)}"
    return known if group.details < 2 else f"for example {known}"


# What a conflict means, beside its headline.
_MEANS = {
    Conflict.paid_already: "money came in twice",
    Conflict.order_cancelled: "money came in after the order had gone",
    Conflict.order_refunded: "money came in after the order had gone",
    Conflict.payment_gone: "the try has ended, and its money is in the books",
    Conflict.payment_taken_out: "and now it is told again",
    Conflict.which_payment: "money left, and the order has several payments",
}


@dataclass(frozen=True)
class Group:
    """The callbacks that need a person for one cause. `reason` None: stuck, nothing has looked at them yet.

    `lately`: how many came in the last hour.

    `known`: what is known of all of a cluster, as `KNOWN` says it; empty for the coarser causes.
    """

    reason: Reason | None
    conflict: Conflict | None
    account_id: int | None
    known: str
    count: int
    oldest: datetime
    latest: datetime
    detail: str
    details: int
    stakes: tuple[Money, ...]
    lately: int

    @property
    def account(self) -> GatewayAccount | None:
        return db.session.get(GatewayAccount, self.account_id) if self.account_id else None

    def holds(self, finer: Group) -> bool:
        """Whether a cluster is a part of this cause."""
        same = (self.reason, self.conflict) == (finer.reason, finer.conflict)
        return same and self.account_id in (None, finer.account_id)

    @property
    def alone(self) -> bool:
        """What is closer than its reason is another cause."""
        return self.conflict is None and self.reason in {conflict.reason for conflict in Conflict}

    @property
    def to_decide(self) -> bool:
        """Money waits for a person's word."""
        return self.conflict in TO_DECIDE or (self.conflict is None and self.reason in MISMATCHES)

    def open_to(self, verb: Verb) -> bool:
        """Whether it could end what waits for this cause."""
        return any((reason, conflict) == (self.reason, self.conflict) for reason, conflict, _ in causes_for(verb))

    @property
    def key(self) -> str:
        """The same for the same cause from one look to the next."""
        account = self.account
        parts = (self.reason or "stuck", account.slug if account else "", self.conflict or "", self.known)
        return "-".join(parts).replace(" ", "-")


# Causes that sit with the gateway account: there one account is one cause.
OF_AN_ACCOUNT = (Reason.gateway_unreachable, Reason.not_genuine, Reason.account_disabled)
CAUSE = (
    Callback.reason,
    Callback.conflict,
    case((Callback.reason.in_(OF_AN_ACCOUNT), Callback.account_id)).label("account"),
    literal("").label("known"),
)
# Clusters are finer: by account, and by what is known, its numbers left out. Where every callback has a detail of its
# own, the detail makes no cluster.
OF_EACH = (Reason.order_not_found, Reason.amount_mismatch, Reason.currency_mismatch, Reason.unreadable, Reason.crashed)
_SHAPE = func.left(func.regexp_replace(Callback.detail, "[0-9]+([.,:-][0-9]+)*", "#", "g"), 150)
KNOWN: ColumnElement[str] = case(
    (or_(Callback.reason.is_(None), Callback.conflict.is_not(None), Callback.reason.in_(OF_EACH)), ""),
    (_SHAPE == "", "nothing"),
    else_=_SHAPE,
)
CLUSTER = (Callback.reason, Callback.conflict, Callback.account_id.label("account"), KNOWN.label("known"))
CLUSTERS = 100
LATELY = timedelta(hours=1)


def causes(*where: ColumnElement[bool]) -> tuple[Group, ...]:
    """Those callbacks by cause, as the dashboard has them."""
    return _groups(CAUSE, *where)


def clusters(*where: ColumnElement[bool]) -> tuple[Group, ...]:
    """Those callbacks by cause, in the finer way."""
    return _groups(CLUSTER, *where)


# What we can put right ourselves comes before what others did.
OURS_FIRST = func.coalesce(func.min(Callback.conflict).in_(OURS_TO_MEND), false()).desc()


def _groups(by: Sequence[Any], *where: ColumnElement[bool]) -> tuple[Group, ...]:
    """What is ours to mend first, then the largest; with the sums of the orders at stake, each order once."""
    many, oldest = func.count(), func.min(Callback.received_at)
    by_cause = (
        select(
            *by,
            many.label("many"),
            oldest.label("oldest"),
            func.max(Callback.received_at).label("latest"),
            func.mode().within_group(Callback.detail).label("detail"),
            func.count(Callback.detail.distinct()).label("details"),
            many.filter(Callback.received_at > utcnow() - LATELY).label("lately"),
            func.row_number().over(order_by=(OURS_FIRST, many.desc(), oldest)).label("place"),
            func.array_agg(Callback.order_id.distinct()).label("orders"),
        )
        .where(*where)
        .group_by(*by)
        .order_by(text("place"))
        .limit(CLUSTERS)
        .cte("by_cause")
    )
    stakes = (
        select(Order.currency, func.sum(Order.amount_minor).label("minor"))
        .where(Order.id == any_(by_cause.c.orders))
        .group_by(Order.currency)
        .lateral("stakes")
    )
    found = select(by_cause, stakes).outerjoin(stakes, true()).order_by(by_cause.c.place, stakes.c.currency)
    return tuple(_group(list(rows)) for _, rows in groupby(db.session.execute(found), key=attrgetter("place")))


def _group(rows: Sequence[Any]) -> Group:
    """Of one cause: a row for each currency that is at stake."""
    reason, conflict, account, known, many, oldest, latest, detail, details, lately, *_ = rows[0]
    stakes = tuple(Money(int(row.minor), row.currency) for row in rows if row.currency is not None)
    return Group(reason, conflict, account, known, many, oldest, latest, detail, details, stakes, lately)
