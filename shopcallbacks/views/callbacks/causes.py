"""The panel by cause: the lines of the dashboard, who looks at each, and what can be done about all of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from sqlalchemy import select, union
from werkzeug.wrappers import Response

from ...bulk.preview import FORCED_AMONG_MANY, foretold
from ...callbacks.callback import MISMATCHES, Callback
from ...dashboard.causes import Group, causes, causes_and_clusters, group_words, joined_since
from ...dashboard.glance import while_it_stands
from ...dashboard.handling import Handling
from ...domain.errors import Reason
from ...domain.states import OFFERED, Verb
from ...extensions import db
from ...panel.counts import tab_counts
from ...panel.filter import DECIDING, Filter, Tab
from ...panel.page import FOR_ROWS
from ...panel.rows import Offer, rows_of
from ...processing.foresight import retrying_may_help
from ...shops.accounts import Shop
from ...words.reasons import NextStep
from ..access import current_shop, managers_only
from ..screens import glanced, now, written
from .panel import counted
from .telling import back_to

T = TypeVar("T")

bp = Blueprint("causes", __name__)

# So many from either end of a cause are asked which verbs may help them: what was wrong may have ended meanwhile.
ASKED = 15


@dataclass(frozen=True)
class Cause:
    """A line, the filter that shows just its callbacks, and what can help some of them. Stuck ones have no filter.

    `finer`: its parts by gateway and detail, where there are several.
    """

    group: Group
    filter: Filter | None
    offer: Offer
    handling: Handling | None
    finer: tuple[tuple[Group, Filter], ...] = ()

    @classmethod
    def of(cls, group: Group, shown: Filter, shop: Shop, handling: Handling | None, finer: Iterable[Group]) -> Cause:
        own = _only(group, shown)
        if handling is not None and (not handling.holds(group) or _joined_since(handling.done_at, own, shown, shop)):
            handling = None
        if own is None:
            return cls(group, None, Offer.of(()), handling)
        retry = (Verb.retry,) if retrying_may_help(group.reason) else ()
        speaks = group.account is not None and group.account.gateway.speaks
        force = (Verb.force,) if group.reason is FORCED_AMONG_MANY and speaks else ()
        decide = tuple(verb for verb in OFFERED if verb in DECIDING and _helps(verb, group))
        verbs = _helping_some((*retry, *force, *decide), own, shop)
        parts = tuple((one, only) for one in finer if group.holds(one) and (only := _only(one, shown)))
        return cls(group, own, Offer.of((*verbs, Verb.remove)), handling, parts if len(parts) > 1 else ())

    @property
    def step(self) -> NextStep:
        """The one to do first; a retry only where one may help."""
        assert self.group.reason is not None
        step = group_words(self.group, now(), written()).step
        return NextStep.look if step is NextStep.retry and Verb.retry not in self.offer else step


def _joined_since(done_at: datetime | None, own: Filter | None, shown: Filter, shop: Shop) -> bool:
    """Whether something waits for the cause since it was done that had come before."""
    if done_at is None or own is None:
        return False
    joined = select(Callback.id).where(*own.where(shop), joined_since(done_at)).exists()
    look = partial(db.session.scalar, select(joined))
    return bool(_while_it_stands(("joined", own.query, done_at), shown, shop, look))


def _only(group: Group, shown: Filter) -> Filter | None:
    """What is shown, of that cause only."""
    if group.reason is None:
        return None
    accounts = (group.account.slug,) if group.account else shown.accounts
    alone, known = group.reason if group.alone else None, group.known or shown.known
    return shown.but(accounts=accounts, reason=group.reason, conflict=group.conflict, alone=alone, known=known)


def _helps(verb: Verb, group: Group) -> bool:
    """Whether it can end them all. What can't be read or broke was perhaps never checked, and sums that differ would
    only differ once more from a reopened order."""
    if verb is Verb.remove or not group.open_to(verb):
        return False
    if verb is Verb.close:
        return group.reason not in (Reason.unreadable, Reason.crashed)
    return verb is not Verb.reopen or group.reason not in MISMATCHES


def _helping_some(verbs: tuple[Verb, ...], own: Filter, shop: Shop) -> tuple[Verb, ...]:
    """Those whose preview would not be that all of them stay: of the oldest and the latest of the cause one has it on
    offer.
    """
    in_time = (Callback.received_at, Callback.id)
    # Their ids first, which the queue's index has: rows to sort would be read, all of the cause.
    ends = [
        select(Callback.id).where(*own.where(shop)).order_by(*order).limit(ASKED).subquery()
        for order in (in_time, [column.desc() for column in in_time])
    ]
    ids = db.session.scalars(union(*(select(end) for end in ends))).all()
    found = select(Callback).where(Callback.id.in_(ids)).order_by(*in_time)
    rows = rows_of(db.session.scalars(found.options(*FOR_ROWS)), current_user, now())
    offered = [verb for verb in verbs if any(row.may(verb) for row in rows)]
    if Verb.retry in offered and len(foretold(Verb.retry, [row.callback.id for row in rows])) == len(rows):
        offered.remove(Verb.retry)
    return tuple(offered)


@bp.get("/callbacks/causes")
def index() -> str:
    shop = current_shop()
    filter_ = Filter.read(request.args.items(multi=True)).at(shop)
    filter_ = filter_.but(tab=filter_.tab if filter_.tab.waits else Tab.unprocessed)
    groups, finer = _groups(filter_, shop)
    currencies, by = _currencies(groups), request.args.get("by")
    if by in currencies:
        groups = tuple(sorted(groups, key=lambda group: _at_stake(group, by), reverse=True))
    handlings = Handling.of(shop.id)
    return render_template(
        "callbacks/causes.html",
        shop=shop,
        filter=filter_,
        counts=tab_counts(shop, filter_.q, glanced()),
        counted=counted(filter_),
        currencies=currencies,
        sorted_by=by if by in currencies else None,
        causes=[Cause.of(group, filter_, shop, handlings.get(group.key), finer) for group in groups],
    )


def _groups(shown: Filter, shop: Shop) -> tuple[tuple[Group, ...], tuple[Group, ...]]:
    """Causes and clusters."""
    return _while_it_stands(shown.tab, shown, shop, lambda: causes_and_clusters(*shown.where(shop)))


def _while_it_stands(what: Hashable, shown: Filter, shop: Shop, look: Callable[[], T]) -> T:
    """What is seen of a whole tab stands for as long as the queue does; a filter may be about more."""
    return look() if shown.narrowed else while_it_stands(shop.id, glanced(), what, look).seen


def _currencies(groups: Iterable[Group]) -> list[str]:
    """Those that are at stake, the commonest first. Sums of several can't be compared, so the causes go by one."""
    return [currency for currency, _ in Counter(m.currency for group in groups for m in group.stakes).most_common()]


def _at_stake(group: Group, currency: str) -> int:
    """In minor units."""
    return next((money.minor for money in group.stakes if money.currency == currency), -1)


@bp.post("/causes/handling")
@managers_only
def handle() -> Response:
    """Somebody looks at a cause, or with `done` has: as it stands in the whole tab."""
    shop, key = current_shop(), request.form.get("cause", "")
    tab = request.form.get("tab", Tab.unprocessed, type=Tab)
    shown = Filter(tab if tab.waits else Tab.unprocessed)
    group = next((one for one in causes(*shown.where(shop)) if one.key == key), None)
    if group is None:
        flash("Nothing waits for that cause any more.", "info")
    else:
        verb = Handling.finish if "done" in request.form else Handling.take
        verb(shop.id, group, current_user, group_words(group, now(), written()).headline)
        db.session.commit()
    return redirect(back_to(url_for("causes.index")), 303)
