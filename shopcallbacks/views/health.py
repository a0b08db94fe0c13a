"""For whoever watches the service from outside."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from sqlalchemy.exc import SQLAlchemyError

from ..dashboard.pulse import ALIVE_FOR, Pulse
from ..extensions import bell, utcnow
from ..receiving.door import door

bp = Blueprint("health", __name__)


@bp.get("/health")
def show() -> tuple[dict[str, Any], int]:
    """200 while callbacks can be stored, tried out every few seconds, else 503; and how the parts behind are.

    A worker that stopped is told, but is no 503: callbacks are kept, and wait for it.
    """
    stores = door().probe.passes()
    redis = "ok" if bell().alive else "away"
    told = {"database": "ok" if stores else "takes nothing", "redis": redis, **_worker()}
    return told, 200 if stores else 503


def _worker() -> dict[str, Any]:
    try:
        seen = Pulse.last()
    except SQLAlchemyError:
        return {"worker": "unknown", "worker_seen_s": None}
    if seen is None:
        return {"worker": "never seen", "worker_seen_s": None}
    ago = utcnow() - seen
    return {"worker": "ok" if ago < ALIVE_FOR else "stopped", "worker_seen_s": int(ago.total_seconds())}
