"""The panel by cause: what waits for the same reason, what is at stake, and what can be done about all of it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, render_template, request

from ...bulk.preview import FORCED_AMONG_MANY
from ...callbacks.callback import MISMATCHES
from ...dashboard.causes import Group, clusters
from ...domain.errors import Reason
from ...domain.states import OFFERED, Verb
from ...panel.filter import DECIDING, Filter, Tab
from ...panel.page import tab_counts
from ...panel.rows import Offer
from ...processing.foresight import retrying_may_help
from ..access import current_shop
from ..screens import waiting_count
from .panel import counted

bp = Blueprint("causes", __name__)


@dataclass(frozen=True)
class Cause:
    """A cluster, the filter that shows just its callbacks, and what can help all of them. Stuck ones have no filter."""

    group: Group
    filter: Filter | None
    offer: Offer

    @classmethod
    def of(cls, group: Group, shown: Filter) -> Cause:
        if group.reason is None or group.account is None:
            return cls(group, None, Offer.of(()))
        own = shown.but(
            accounts=(group.account.slug,), reason=group.reason, conflict=group.conflict, known=group.known or None
        )
        retry = (Verb.retry,) if retrying_may_help(group.reason) else ()
        force = (Verb.force,) if group.reason is FORCED_AMONG_MANY and group.account.gateway.speaks else ()
        decide = tuple(verb for verb in OFFERED if verb in DECIDING and _helps(verb, group))
        return cls(group, own, Offer.of((*retry, *force, *decide, Verb.remove)))


def _helps(verb: Verb, group: Group) -> bool:
    """Whether it can end them all. What can't be read or broke was perhaps never checked, and sums that differ would
    only differ once more from a reopened order."""
    if verb is Verb.remove or not group.open_to(verb):
        return False
    if verb is Verb.close:
        return group.reason not in (Reason.unreadable, Reason.crashed)
    return verb is not Verb.reopen or group.reason not in MISMATCHES


@bp.get("/callbacks/causes")
def index() -> str:
    shop = current_shop()
    filter_ = Filter.read(request.args.items(multi=True)).at(shop)
    filter_ = filter_.but(tab=filter_.tab if filter_.tab.waits else Tab.unprocessed)
    return render_template(
        "callbacks/causes.html",
        shop=shop,
        filter=filter_,
        counts=tab_counts(shop, filter_.q, waiting_count()),
        counted=counted(filter_),
        causes=[Cause.of(group, filter_) for group in clusters(*filter_.where(shop))],
    )
