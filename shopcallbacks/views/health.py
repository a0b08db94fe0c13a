"""For whoever watches the service from outside: monitoring, whoever sends it traffic, and Prometheus."""

from __future__ import annotations

from hmac import compare_digest
from typing import Any

from flask import Blueprint, Response, abort, current_app, request
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from sqlalchemy.exc import SQLAlchemyError

from .. import metrics, schema
from ..bells import bell
from ..clock import utcnow
from ..dashboard.pulse import ALIVE_FOR, Pulse
from ..extensions import db
from ..outgoing.mark import mark
from ..receiving.door import door
from ..shops.tries import TOKENS, network, tries

bp = Blueprint("health", __name__)


@bp.get("/health")
def show() -> tuple[dict[str, Any], int]:
    """200 while callbacks can be stored, tried out every few seconds, else 503; and how the parts behind are.

    A worker that stopped, or an older back-up that was put back, is told, but is no 503: callbacks are kept, and wait.
    """
    stores = door().probe.passes()
    redis = "ok" if bell().alive else "away"
    told = {"database": "ok" if stores else "takes nothing", "redis": redis, "back_up": _back_up(), **_worker()}
    return told, 200 if stores else 503


@bp.get("/readyz")
def ready() -> tuple[dict[str, str], int]:
    """200 while this process may be sent traffic: the database is migrated, and takes callbacks. Else 503.

    Neither Redis nor a worker is needed for that.
    """
    stores, migrations = door().probe.passes(), _migrations()
    told = {"database": "ok" if stores else "takes nothing", "migrations": migrations}
    return told, 200 if stores and migrations == "ok" else 503


@bp.get("/metrics")
def figures() -> Response:
    """For who knows `METRICS_TOKEN`. Where none is set nobody does, and there is no such address."""
    wanted = current_app.config["METRICS_TOKEN"]
    if not wanted:
        abort(404)
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not compare_digest(token.strip().encode(), wanted.encode()):
        wait = tries().take(TOKENS, network(request.remote_addr))
        status, more = (429, {"Retry-After": str(wait)}) if wait else (401, {"WWW-Authenticate": "Bearer"})
        return Response("The bearer token is missing or not METRICS_TOKEN.\n", status, more, "text/plain")
    return Response(metrics.page(), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _migrations() -> str:
    try:
        return "behind" if schema.behind() else "ok"
    except SQLAlchemyError:
        db.session.rollback()
        return "unknown"


def _back_up() -> str:
    try:
        return "older than what was told" if mark().missing() else "ok"
    except SQLAlchemyError:
        db.session.rollback()
        return "unknown"


def _worker() -> dict[str, Any]:
    try:
        seen = Pulse.last()
    except SQLAlchemyError:
        return {"worker": "unknown", "worker_seen_s": None}
    if seen is None:
        return {"worker": "never seen", "worker_seen_s": None}
    ago = utcnow() - seen
    return {"worker": "ok" if ago < ALIVE_FOR else "stopped", "worker_seen_s": int(ago.total_seconds())}
