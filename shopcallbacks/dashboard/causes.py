"""Callbacks that need a person, by cause: how many, since when, what is at stake, and the one next step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import CTE, ColumnElement, Subquery, and_, any_, case, collate, false, func, or_, select, true, tuple_
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import aliased

from ..callbacks.attempts import Attempt
from ..callbacks.callback import Callback, is_to_decide
from ..clock import utcnow
from ..domain.errors import OURS_TO_MEND, Conflict, Reason
from ..domain.money import causes_for
from ..domain.states import Verb
from ..domain.values import Money
from ..extensions import db
from ..orders.order import Order
from ..shops.accounts import GatewayAccount
from ..words.formats import Format, going_on
from ..words.masking import mask
from ..words.reasons import NextStep, cause_of_any, words_of
from .queue import put_back_since


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
    return f"for example {known}" if group.varied else known


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

    `lately`: how many came in the last hour. `varied`: others of them say something else than `detail`.

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
    varied: bool
    stakes: tuple[Money, ...]
    lately: int

    @property
    def account(self) -> GatewayAccount | None:
        """Held by the session: what nobody holds it would ask for anew, for each word about the cause."""
        if self.account_id is None:
            return None
        held: dict[int, GatewayAccount | None] = db.session().info.setdefault("accounts", {})
        held[self.account_id] = db.session.get(GatewayAccount, self.account_id)
        return held[self.account_id]

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
        return is_to_decide(self.reason, self.conflict)

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
# Clusters are finer: by account, and by what is known, its numbers left out. Where every callback has a detail of its
# own, the detail makes no cluster.
OF_EACH = (Reason.order_not_found, Reason.amount_mismatch, Reason.currency_mismatch, Reason.unreadable, Reason.crashed)
CLUSTERS = 100
LATELY = timedelta(hours=1)


def _of_each(of: Any) -> ColumnElement[bool]:
    return or_(of.reason.is_(None), of.conflict.is_not(None), of.reason.in_(OF_EACH))


def _known_of(of: Any) -> ColumnElement[str]:
    shape = func.btrim(func.left(func.regexp_replace(of.detail, "[0-9]+([.,:-][0-9]+)*", "#", "g"), 150))
    return case((_of_each(of), ""), (shape == "", "nothing"), else_=shape)


KNOWN = _known_of(Callback)


def causes(*where: ColumnElement[bool]) -> tuple[Group, ...]:
    """Those callbacks by cause, as the dashboard has them."""
    return _groups(*where)[0]


def causes_and_clusters(*where: ColumnElement[bool]) -> tuple[tuple[Group, ...], tuple[Group, ...]]:
    """The same, and by cause in the finer way."""
    return _groups(*where, finer=True)


def joined_since(then: datetime) -> ColumnElement[bool]:
    """Of a callback that waits for a cause: whether an attempt since has brought it there, or a person has, back. One
    that came to the same as the attempt before has not.
    """
    attempt, before = aliased(Attempt), aliased(Attempt)
    of_it = and_(before.callback_id == attempt.callback_id, before.number == attempt.number - 1)
    waited = select(before.id).where(
        of_it,
        before.reason.is_not_distinct_from(attempt.reason),
        before.conflict.is_not_distinct_from(attempt.conflict),
    )
    tried = select(attempt.id).where(attempt.callback_id == Callback.id, attempt.at > then, ~waited.exists())
    return or_(tried.exists(), put_back_since(then))


def _groups(*where: ColumnElement[bool], finer: bool = False) -> tuple[tuple[Group, ...], tuple[Group, ...]]:
    """Causes, and clusters if wanted. What is ours to mend first, then the largest; with the sums of the orders at
    stake, each order once and no test ones.
    """
    said = _said(*where)
    groups = _grouped(said)
    of_one = select(func.unnest(said.c.orders)).where(_is_in(said, groups)).correlate(groups)
    stakes = (
        select(Order.currency, func.sum(Order.amount_minor).label("minor"))
        .where(Order.id == any_(func.array(of_one.scalar_subquery())), Order.test.is_(False))
        .group_by(Order.currency)
        .lateral("stakes")
    )
    found = (
        select(groups, stakes)
        .outerjoin(stakes, true())
        .where(groups.c.place <= CLUSTERS, true() if finer else groups.c.is_cause)
        .order_by(groups.c.is_cause.desc(), groups.c.place, stakes.c.currency)
    )
    rows = groupby(db.session.execute(found), key=attrgetter("is_cause", "place"))
    both: tuple[list[Group], list[Group]] = ([], [])
    for (is_cause, _), sums in rows:
        both[0 if is_cause else 1].append(_group(list(sums)))
    return tuple(both[0]), tuple(both[1])


def _said(*where: ColumnElement[bool]) -> CTE:
    """Those callbacks by account and by all that is known of them, to the letter: few, where there are many callbacks.
    So what clusters are told apart by is looked for in few texts.
    """
    letters = collate(Callback.detail, "C")
    said = (
        select(
            Callback.reason,
            Callback.conflict,
            Callback.account_id,
            func.count().label("many"),
            func.min(Callback.received_at).label("oldest"),
            func.max(Callback.received_at).label("latest"),
            func.count().filter(Callback.received_at > utcnow() - LATELY).label("lately"),
            func.mode().within_group(letters).label("detail"),
            func.count(letters.distinct()).label("details"),
            func.array_agg(Callback.order_id).label("orders"),
        )
        .where(*where)
        .group_by(
            Callback.reason, Callback.conflict, Callback.account_id, case((_of_each(Callback), ""), else_=letters)
        )
        .cte("said")
    )
    account = case((said.c.reason.in_(OF_AN_ACCOUNT), said.c.account_id))
    return select(said, account.label("account_of_cause"), _known_of(said.c).label("known")).cte("named")


def _grouped(said: CTE) -> Subquery:
    """Both ways at once. `place`: among those of its way."""
    of = said.c
    cause, cluster = (of.reason, of.conflict, of.account_of_cause), (of.reason, of.conflict, of.account_id, of.known)
    is_cause = func.grouping(of.account_of_cause) == 0
    many, oldest = func.sum(of.many), func.min(of.oldest)
    ours_first = func.coalesce(of.conflict.in_(OURS_TO_MEND), false()).desc()
    return (
        select(
            of.reason,
            of.conflict,
            func.coalesce(of.account_of_cause, of.account_id).label("account"),
            func.coalesce(of.known, "").label("known"),
            many.label("many"),
            oldest.label("oldest"),
            func.max(of.latest).label("latest"),
            func.array_agg(aggregate_order_by(of.detail, of.many.desc()))[1].label("detail"),
            or_(func.max(of.details) > 1, func.count(of.detail.distinct()) > 1).label("varied"),
            func.sum(of.lately).label("lately"),
            is_cause.label("is_cause"),
            func.row_number().over(partition_by=is_cause, order_by=(ours_first, many.desc(), oldest)).label("place"),
        )
        .group_by(func.grouping_sets(tuple_(*cause), tuple_(*cluster)))
        .subquery("groups")
    )


def _is_in(said: CTE, groups: Subquery) -> ColumnElement[bool]:
    """What is known is a part of that cause or cluster."""
    cause = said.c.account_of_cause.is_not_distinct_from(groups.c.account)
    cluster = and_(said.c.account_id == groups.c.account, said.c.known == groups.c.known)
    return and_(
        said.c.reason.is_not_distinct_from(groups.c.reason),
        said.c.conflict.is_not_distinct_from(groups.c.conflict),
        case((groups.c.is_cause, cause), else_=cluster),
    )


def _group(rows: Sequence[Any]) -> Group:
    """Of one: a row for each currency that is at stake."""
    one = rows[0]
    stakes = tuple(Money(int(row.minor), row.currency) for row in rows if row.currency is not None)
    return Group(
        one.reason,
        one.conflict,
        one.account,
        one.known,
        int(one.many),
        one.oldest,
        one.latest,
        one.detail,
        one.varied,
        stakes,
        int(one.lately),
    )
