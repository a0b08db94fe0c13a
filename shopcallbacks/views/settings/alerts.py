"""Settings > Alerts: what the shop wants to hear, where, and a test of it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from ...bells import ring_outgoing
from ...clock import utcnow
from ...dashboard import glance
from ...extensions import db
from ...outgoing.alerts import form, texts, watch
from ...outgoing.alerts.rules import AlertKind, AlertMessage, AlertRules, Style
from ...outgoing.signing import Purpose, SigningSecret
from ...shops.acts import Activity
from ..access import admins_only, current_shop
from ..refusals import not_theirs
from ..screens import Shown, now
from .endpoint import make_secret

bp = Blueprint("alerts", __name__, url_prefix="/alerts")

LATEST = 20


@bp.get("")
def show() -> str:
    return _page(AlertRules.read(current_shop().id))


@bp.get("/messages")
def messages() -> str:
    """The list alone, asked while something is on its way."""
    return render_template("settings/_alert_messages.html", messages=AlertMessage.latest(current_shop().id, LATEST))


def _page(rules: AlertRules, **more: Any) -> str:
    shop = current_shop()
    return render_template(
        "settings/alerts.html",
        shop=shop,
        rules=rules,
        styles=Style,
        most_not_genuine=current_app.config["NOT_GENUINE_AN_HOUR"],
        mail_works=current_app.extensions["mailer"].server is not None,
        messages=AlertMessage.latest(shop.id, LATEST),
        secrets=SigningSecret.of(shop.id, Purpose.alerts),
        **more,
    )


@bp.post("")
@admins_only
def save() -> Shown:
    """With a secret made for the webhook where it has none, which is shown once."""
    shop = current_shop()
    rules = AlertRules.of(shop.id)
    problems = form.take(rules, request.form, current_app.extensions["outgoing"].check)
    if problems:
        db.session.rollback()
        return _page(AlertRules.read(shop.id), problems=problems, typed=request.form), 422
    AlertMessage.give_up_all_but(rules, now())
    secret = None
    if rules.webhook_style is Style.signed and not SigningSecret.live(shop.id, Purpose.alerts):
        secret = SigningSecret.make(shop.id, Purpose.alerts)
    Activity.record("settings", current_user, shop_id=shop.id, what="alerts")
    db.session.commit()
    if secret is not None:
        return _page(rules, fresh=secret)
    flash("Saved.")
    return redirect(url_for("settings.alerts.show"), 303)


@bp.post("/secrets")
@admins_only
def add_secret() -> str:
    secret = make_secret(Purpose.alerts)
    return _page(AlertRules.read(current_shop().id), fresh=secret)


@bp.post("/test")
@admins_only
def test() -> Response:
    """The same way as real ones go: by the worker, to every address."""
    shop = current_shop()
    rules = AlertRules.read(shop.id)
    if not rules.addresses and not rules.webhook_style:
        flash("Save an e-mail address or a webhook first.", "warning")
        return redirect(url_for("settings.alerts.show"), 303)
    site = str(current_app.config["PUBLIC_URL"])
    said = texts.test(shop, glance.summary(shop.id, now()), current_user.name, site)
    watch.post(rules, AlertKind.test, said)
    Activity.record("test alert", current_user, shop_id=shop.id)
    db.session.commit()
    ring_outgoing()
    flash("The test is on its way. Below you see what becomes of it.")
    return redirect(url_for("settings.alerts.show", _anchor="messages"), 303)


@bp.post("/messages/<int:id_>/sending")
@admins_only
def send_again(id_: int) -> Response:
    message = db.session.get(AlertMessage, id_)
    if message is None:
        abort(404)
    if message.shop_id != current_shop().id:
        not_theirs()
    if message.recipient not in AlertRules.of(message.shop_id).everyone:
        db.session.rollback()
        flash("It can't be sent again: its address was taken out.", "warning")
        return redirect(url_for("settings.alerts.show", _anchor="messages"), 303)
    AlertMessage.lock(id_).send_again(utcnow())
    Activity.record("send again", current_user, shop_id=message.shop_id, what=f"alert: {message.subject}")
    db.session.commit()
    ring_outgoing()
    return redirect(url_for("settings.alerts.show", _anchor="messages"), 303)
