"""For whoever watches the service from outside."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from sqlalchemy.exc import SQLAlchemyError

from ..dashboard.pulse import Pulse
from ..extensions import bell, utcnow

bp = Blueprint("health", __name__)


@bp.get("/health")
def show() -> tuple[dict[str, Any], int]:
    """200 while callbacks can be stored, else 503; and how the parts behind are."""
    redis = "ok" if bell().alive else "away"
    try:
        seen = Pulse.last()
    except SQLAlchemyError:
        return {"database": "away", "redis": redis, "worker_seen_s": None}, 503
    return {"database": "ok", "redis": redis, "worker_seen_s": _seconds(seen)}, 200


def _seconds(seen: Any) -> int | None:
    return int((utcnow() - seen).total_seconds()) if seen else None
