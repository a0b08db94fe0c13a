"""The dashboard: is anything wrong, what is at stake, what to do now."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for

from ..bells import bell
from ..dashboard import arrivals, decisions, glance, results, second_person, silence, speed, unheard
from ..dashboard.glance import Glance
from ..dashboard.pulse import Pulse, is_alive
from ..dashboard.results import Period
from ..shops.accounts import Shop
from . import first_run
from .access import current_shop
from .screens import glanced, now, waiting_count

bp = Blueprint("dashboard", __name__)


@bp.get("/")
def show() -> str:
    shop = current_shop()
    if not speed.any_callback(shop):
        return render_template("dashboard/first.html", shop=shop, steps=first_run.steps(shop))
    period = _period()
    lasts = silence.lasts_of(shop)
    start = min(results.starts(period, now(), shop.time_zone)[0], silence.known_from(shop, now(), lasts))
    arrived = arrivals.counts_since(shop.accounts, start, shop.time_zone)
    return render_template(
        "dashboard/show.html",
        shop=shop,
        steps=first_run.steps(shop),
        **widget_parts(glanced()),
        **undecided_parts(),
        results=results.count(shop, period, now(), arrived),
        heard=silence.heard(shop, now(), lasts, arrived),
        speed=speed.speed(shop, now()),
        unheard=unheard.look(shop.id, now()),
    )


def _period() -> Period:
    return request.args.get("by", type=Period, default=Period.hours)


@bp.get("/results")
def over() -> str:
    """The chart and the gateways' acceptance alone, by hours or by days."""
    return render_template("dashboard/_results.html", results=results.count(current_shop(), _period(), now()))


@bp.get("/gateways")
def gateways() -> str:
    """What is heard of the gateways, alone."""
    return render_template("dashboard/_gateways.html", heard=silence.heard(current_shop(), now()))


@bp.get("/first")
def first() -> str | Response:
    """The five steps anew; once a callback has come, the dashboard takes their place."""
    shop = current_shop()
    if speed.any_callback(shop):
        return Response(headers={"HX-Redirect": url_for("dashboard.show")})
    return render_template("dashboard/_first.html", shop=shop, steps=first_run.steps(shop))


@bp.get("/queue")
def widget() -> str:
    """The widget alone, and with it the count on the Callbacks tab; what only says until when, where no more is new."""
    found = glanced(glance.lately)
    if request.args.get("seen") == found.version:
        return render_template("dashboard/_as_of.html", queue=found)
    return render_template("dashboard/_widget.html", **widget_parts(found), count_too=True)


@bp.get("/undecided")
def undecided() -> str:
    """The card of payments that no order takes."""
    return render_template("dashboard/_undecided.html", **undecided_parts())


@bp.get("/queue/count")
def count() -> str | Response:
    """The count on the Callbacks tab; nothing where it is what was seen."""
    if request.args.get("seen") == str(waiting_count()):
        return Response(status=204)
    return render_template("_count.html")


@bp.get("/worker")
def worker() -> str | Response:
    """Whether a worker is seen, for the top of every page; nothing where that is as it was, and all is well."""
    if request.args.get("seen") == "alive" and is_alive(Pulse.last(), now()):
        return Response(status=204)
    return render_template("_worker.html")


def undecided_parts() -> dict[str, Any]:
    shop = current_shop()
    return {"undecided": decisions.still_open(shop.id, now()), "asked": second_person.asked(shop)}


def widget_parts(found: Glance) -> dict[str, Any]:
    """Should anything change behind the glance, the next one shows it."""
    shop = current_shop()
    summary = glance.closer(shop.id, found)
    redis = summary.worker_alive or bell().alive
    return {"queue": summary, "redis": redis, "last": None if summary.groups else _last_processed(shop, found)}


def _last_processed(shop: Shop, found: Glance) -> tuple[datetime, str] | None:
    return glance.while_it_stands(shop.id, found, "last", lambda: speed.last_processed(shop)).seen
