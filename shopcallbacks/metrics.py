"""What Prometheus reads: figures of the whole installation, all of them from the database (docs/decisions/metrics.md).

Every web process gives the same answer, for none counts for itself. Labels are of closed sets of ours, never what
somebody sent, named or owns. What there is much of is read where it is kept counted, or from an index of the few.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.exc import InterfaceError, OperationalError, TimeoutError

from .bells import bell
from .callbacks.callback import Callback
from .callbacks.refusals import Refusal
from .clock import utcnow
from .dashboard import arrivals, queue
from .dashboard.pulse import Pulse
from .domain.errors import Reason
from .domain.states import Lane, State, WrongCall
from .extensions import db
from .outgoing.alerts.rules import AlertMessage
from .outgoing.deliveries import Delivery
from .receiving.door import door
from .release import RELEASE, VERSION

# Of how many callbacks the latest the times from arrival to effect are.
LATEST = 1000
QUANTILES = (0.5, 0.95, 0.99)
NOT_LOOKED_AT = "not_looked_at"


def page() -> bytes:
    """All of it, in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures())
    return generate_latest(registry)


class Figures(Collector):
    """With the database away what needs none is told all the same."""

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily("shopcallbacks", "Which code this is.", {"release": RELEASE, "version": VERSION})
        yield gauge("redis_up", "1 while Redis answers.", bell().alive)
        stores = door().probe.passes()
        yield gauge("stores", "1 while a callback could be kept, tried out every few seconds.", stores)
        try:
            yield from list(_of_the_database(utcnow()))
        except (OperationalError, InterfaceError, TimeoutError):
            db.session.rollback()


def gauge(name: str, told: str, value: float) -> Metric:
    return GaugeMetricFamily(f"shopcallbacks_{name}", told, value)


def _of_the_database(now: datetime) -> Iterator[Metric]:
    yield _pulses()
    yield from _arrivals(now)
    yield from _queue()
    yield from _due(now)
    yield _turned_away()
    yield from _outgoing(now)
    yield _took(now)
    size = db.session.scalar(select(func.pg_database_size(func.current_database()))) or 0
    yield gauge("database_bytes", "What the database takes on its disk.", size)


def _pulses() -> Metric:
    seen = GaugeMetricFamily(
        "shopcallbacks_worker_seen_timestamp_seconds",
        "When each lane's worker was last seen at work; 0 where none ever was.",
        labels=["lane"],
    )
    found = {row.lane: row.seen_at for row in db.session.execute(select(Pulse.lane, Pulse.seen_at))}
    for lane in (Lane.plain, Lane.asking):
        seen.add_metric([lane], _stamp(found.get(lane)))
    return seen


def _arrivals(now: datetime) -> Iterator[Metric]:
    """By hours that are kept counted; only what came since is counted anew, of each account from its index."""
    came = CounterMetricFamily("shopcallbacks_received", "Callbacks that were kept.", labels=["gateway"])
    last = GaugeMetricFamily(
        "shopcallbacks_received_last_timestamp_seconds", "When the latest one came.", labels=["gateway"]
    )
    for gateway, ever in arrivals.ever(now).items():
        came.add_metric([gateway], ever.came)
        last.add_metric([gateway], _stamp(ever.last))
    yield came
    yield last


def _queue() -> Iterator[Metric]:
    """What is not processed, by why: from the queue's index, so it costs what waits, never what is processed."""
    rows = db.session.execute(
        select(Callback.reason, func.count(), func.min(Callback.received_at))
        .where(queue.QUEUED)
        .group_by(Callback.reason)
    ).all()
    waits = GaugeMetricFamily("shopcallbacks_unprocessed", "Callbacks that are not processed.", labels=["reason"])
    oldest = GaugeMetricFamily(
        "shopcallbacks_unprocessed_oldest_timestamp_seconds", "When the oldest of them came.", labels=["reason"]
    )
    found = {reason or NOT_LOOKED_AT: (count, first) for reason, count, first in rows}
    for reason in (NOT_LOOKED_AT, *Reason):
        count, first = found.get(reason, (0, None))
        waits.add_metric([reason], count)
        if first is not None:
            oldest.add_metric([reason], _stamp(first))
    yield waits
    yield oldest


def _due(now: datetime) -> Iterator[Metric]:
    """What a worker should have taken by now: the one figure that grows when there are too few of them."""
    rows = db.session.execute(
        select(Callback.asks, func.count(), func.min(Callback.due_at)).where(Callback.due_at <= now).group_by("asks")
    ).all()
    found = {Lane.for_callbacks(asks): (count, now - first) for asks, count, first in rows if first is not None}
    due = GaugeMetricFamily("shopcallbacks_due", "Callbacks that wait for a worker now.", labels=["lane"])
    late = GaugeMetricFamily(
        "shopcallbacks_due_oldest_seconds", "For how long the oldest of them has.", labels=["lane"]
    )
    for lane in (Lane.plain, Lane.asking):
        count, age = found.get(lane, (0, timedelta()))
        due.add_metric([lane], count)
        late.add_metric([lane], age.total_seconds())
    yield due
    yield late


def _turned_away() -> Metric:
    told = CounterMetricFamily(
        "shopcallbacks_turned_away", "Calls at a wrong address, in a wrong way or too large.", labels=["why"]
    )
    found = dict(db.session.execute(select(Refusal.why, func.sum(Refusal.count)).group_by(Refusal.why)).all())
    for why in WrongCall:
        told.add_metric([why], float(found.get(why, 0)))
    return told


def _outgoing(now: datetime) -> Iterator[Metric]:
    due = GaugeMetricFamily(
        "shopcallbacks_outgoing", "What is still to go out, tries to come included.", labels=["what"]
    )
    late = GaugeMetricFamily("shopcallbacks_outgoing_oldest_seconds", "How old the oldest of it is.", labels=["what"])
    for what, kind in (("delivery", Delivery), ("alert", AlertMessage)):
        count, first = db.session.execute(
            select(func.count(), func.min(kind.begun_at)).where(kind.next_try_at.is_not(None))
        ).one()
        due.add_metric([what], count)
        late.add_metric([what], max((now - (first or now)).total_seconds(), 0.0))
    yield due
    yield late


def _took(now: datetime) -> Metric:
    """From arrival to effect, of those of the last hour among the latest: by quantile."""
    latest = (
        select(Callback.settled_at, Callback.received_at, Callback.state)
        .order_by(Callback.id.desc())
        .limit(LATEST)
        .subquery()
    )
    took = func.extract("epoch", latest.c.settled_at - latest.c.received_at)
    row = db.session.execute(
        select(*(func.percentile_cont(part).within_group(took) for part in QUANTILES)).where(
            latest.c.state == State.processed, latest.c.received_at >= now - timedelta(hours=1)
        )
    ).one()
    told = GaugeMetricFamily(
        "shopcallbacks_processing_seconds",
        f"From arrival to effect, of those of the last hour among the latest {LATEST}.",
        labels=["quantile"],
    )
    for part, value in zip(QUANTILES, row, strict=True):
        if value is not None:
            told.add_metric([str(part)], float(value))
    return told


def _stamp(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0
