"""The dashboard: is anything wrong, what is at stake, what to do now."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template, url_for

from .. import account_health, figures, queue, rulings
from ..jobs import bell
from .access import current_shop
from .screens import now

bp = Blueprint("dashboard", __name__)


@bp.get("/")
def show() -> str:
    shop = current_shop()
    if not figures.any_callback(shop):
        return render_template("dashboard/first.html", shop=shop, steps=account_health.steps(shop))
    return render_template(
        "dashboard/show.html",
        **widget_parts(),
        undecided=rulings.still_open(shop.id, now()),
        hours=figures.hours(shop, now()),
        accounts=figures.accounts(shop, now()),
        speed=figures.speed(shop, now()),
        silence=figures.silence(shop, now()),
    )


@bp.get("/first")
def first() -> str | Response:
    """The three steps anew; once a callback has come, the dashboard takes their place."""
    shop = current_shop()
    if figures.any_callback(shop):
        return Response(headers={"HX-Redirect": url_for("dashboard.show")})
    return render_template("dashboard/_first.html", shop=shop, steps=account_health.steps(shop))


@bp.get("/queue")
def widget() -> str:
    """The widget alone, and with it the count on the Callbacks tab."""
    return render_template("dashboard/_widget.html", **widget_parts(), count_too=True)


@bp.get("/undecided")
def undecided() -> str:
    """The card of payments that no order takes."""
    return render_template("dashboard/_undecided.html", undecided=rulings.still_open(current_shop().id, now()))


@bp.get("/queue/count")
def count() -> str:
    """The count on the Callbacks tab."""
    return render_template("_count.html")


def widget_parts() -> dict[str, Any]:
    found = queue.summary(current_shop().id, now())
    redis = found.worker_alive or bell().alive
    return {"queue": found, "redis": redis, "last": None if found.groups else figures.last_processed(current_shop())}
