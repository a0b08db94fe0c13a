"""Settings > Shop endpoint: where order changes are sent, with which secrets, and what became of each."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from ...bells import ring_outgoing
from ...clock import utcnow
from ...extensions import db
from ...outgoing import parcels
from ...outgoing.deliveries import Delivery, Part
from ...outgoing.endpoint import Endpoint
from ...outgoing.http import way_out
from ...outgoing.signing import Purpose, SigningSecret
from ...shops.acts import Activity
from ...shops.secrets import former_end
from ...words.formats import PLAIN
from ..access import admins_only, current_shop, managers_only
from ..screens import Shown, now, whole

bp = Blueprint("endpoint", __name__, url_prefix="/endpoint")

PAGE = 25


@bp.get("")
def show() -> str:
    return _page()


def _page(**more: Any) -> str:
    shop = current_shop()
    found = Endpoint.of(shop.id)
    part, before = request.args.get("part", Part.all, type=Part), request.args.get("before", type=whole)
    rows = Delivery.latest(found.id, part, before, PAGE + 1) if found else []
    return render_template(
        "settings/endpoint.html",
        endpoint=found,
        deliveries=rows[:PAGE],
        more=len(rows) > PAGE,
        part=part,
        before=before,
        counts=Delivery.counts(found.id) if found else {},
        secrets=SigningSecret.of(shop.id, Purpose.endpoint),
        **more,
    )


@bp.post("")
@admins_only
def save() -> Shown:
    """The first time with a secret made for it, which is shown once."""
    shop, url = current_shop(), request.form.get("url", "").strip()
    problem = current_app.extensions["outgoing"].check(url)
    if problem is not None:
        return _page(url=url, problem=str(problem), way_out=way_out(problem)), 422
    found = Endpoint.of(shop.id)
    secret = None
    if found is None:
        found = Endpoint.add(shop.id, url)
        secret = SigningSecret.make(shop.id, Purpose.endpoint)
    else:
        found.url = url
        found.take_heart()
    _record(f"shop endpoint: {urlsplit(url).netloc}")
    db.session.commit()
    ring_outgoing()
    if secret is not None:
        return _page(fresh=secret)
    flash("Saved.")
    return redirect(url_for("settings.endpoint.show"), 303)


@bp.post("/secrets")
@admins_only
def add_secret() -> str:
    """A new one, shown once: in the answer itself, so that it stands in no cookie and no address."""
    _load()
    secret = make_secret(Purpose.endpoint)
    return _page(fresh=secret)


def make_secret(purpose: Purpose) -> str:
    ends = former_end(request.form.get("former", ""), now())
    secret = SigningSecret.make(current_shop().id, purpose, ends)
    _record(f"signing secret of {'the shop endpoint' if purpose is Purpose.endpoint else 'alerts'}: a new one")
    db.session.commit()
    return secret


@bp.post("/suspension")
@admins_only
def suspend() -> Response:
    _load().disable()
    _record("shop endpoint: switched off")
    db.session.commit()
    return redirect(url_for("settings.endpoint.show"), 303)


@bp.post("/resumption")
@admins_only
def resume() -> Response:
    """On again, or asked again at once where it rests."""
    found = _load()
    if not found.enabled:
        _record("shop endpoint: switched on")
    found.enable()
    db.session.commit()
    ring_outgoing()
    flash("It is being tried now.")
    return redirect(url_for("settings.endpoint.show"), 303)


@bp.post("/test")
@admins_only
def test() -> Response:
    """A test event, sent at once: what was answered is said at once too."""
    found = _load()
    host, send = found.host, parcels.try_out(found, utcnow())
    db.session.commit()  # nothing is held while it is on its way
    receipt = send()
    Activity.record("test event", current_user, shop_id=current_shop().id, what=f"{host}: {receipt.answer}")
    db.session.commit()
    if receipt.arrived:
        flash(f"The test event arrived: {host} {receipt.answer}.")
    else:
        flash(f"The test event did not arrive: {receipt.answer}. {way_out(receipt.answer)}".strip(), "warning")
    return redirect(url_for("settings.endpoint.show"), 303)


@bp.post("/given-up")
@managers_only
def send_given_up_again() -> Response:
    found = _load()
    count = Delivery.send_all_again(found.id, utcnow())
    counted = PLAIN.counted(count, "order change")
    Activity.record("send again", current_user, shop_id=found.shop_id, what=f"{counted} given up before")
    db.session.commit()
    ring_outgoing()
    flash(f"{counted} {'is' if count == 1 else 'are'} being sent again.")
    return redirect(url_for("settings.endpoint.show", part=Part.waiting), 303)


def _load() -> Endpoint:
    return Endpoint.of(current_shop().id) or abort(404)


def _record(what: str) -> None:
    Activity.record("settings", current_user, shop_id=current_shop().id, what=what)
