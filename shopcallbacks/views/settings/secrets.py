"""The secrets of a gateway account: added and ended, with an overlap, and never shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from ...extensions import db
from ...gateways.base import Setting
from ...gateways.settings import BadSettings
from ...shops import setup
from ...shops.accounts import GatewayAccount
from ...shops.secrets import Secret, former_end
from ..access import admins_only, load_account
from ..screens import now, wants_fragment
from . import prospects
from .form import read_secrets

bp = Blueprint("secrets", __name__, url_prefix="/gateways/<int:id_>/secrets")


def load_setting(account: GatewayAccount, key: str) -> Setting:
    return next((one for one in account.gateway.settings if one.is_secret and one.key == key), None) or abort(404)


def load_secret(account: GatewayAccount, id_: int) -> Secret:
    return next((secret for secret in account.secrets if secret.id == id_), None) or abort(404)


@bp.post("")
@admins_only
def add(id_: int) -> Response:
    account = load_account(id_)
    setting = load_setting(account, request.form.get("key", ""))
    ends = former_end(request.form.get("former", ""), now())
    try:
        values = read_secrets(setting, request.form)
        if "look" in request.form:
            return looked(account, lambda: setup.add_secrets(account, setting, values, ends, current_user))
        setup.add_secrets(account, setting, values, ends, current_user)
    except BadSettings as error:
        return refused(account, f"{setting.label}: this {error.problems[setting.key]}.", setting.key)
    db.session.commit()
    return told(account, f"{setting.label}: a new secret is in use.")


@bp.post("/<int:secret_id>/end")
@admins_only
def end(id_: int, secret_id: int) -> Response:
    account = load_account(id_)
    secret = load_secret(account, secret_id)
    try:
        at = read_end(account.shop.time_zone)
    except ValueError:
        return refused(account, "Say when it ends, as date and time.", secret.id)
    why = request.form.get("why", "")
    if "look" in request.form:
        return looked(account, lambda: setup.end_secret(account, secret, at, why, current_user))
    setup.end_secret(account, secret, at, why, current_user)
    db.session.commit()
    if at is None or at > now():
        return told(account, "The secret is in use until then." if at else "The secret is in use, without an end.")
    return told(account, "The secret has ended.")


def read_end(zone: str) -> datetime | None:
    """When a secret ends: now, never, or at a time of the shop's clock."""
    when = request.form.get("when")
    if when in ("now", "never"):
        return now() if when == "now" else None
    return datetime.fromisoformat(request.form.get("ends_at", "")).replace(tzinfo=ZoneInfo(zone))


def looked(account: GatewayAccount, change: Callable[[], None]) -> Response:
    """What it would do, and nothing is done yet."""
    sentence = prospects.foretold(account, change)
    if wants_fragment():
        return make_response(prospects.shown(sentence))
    flash(sentence)
    return redirect(url_for("settings.accounts.show", id_=account.id, _anchor="secrets"), 303)


def refused(account: GatewayAccount, sentence: str, of: str | int) -> Response:
    """What is wrong, with what was typed in the form of this secret or setting; never a secret itself."""
    if "look" in request.form and wants_fragment():
        return make_response(prospects.shown(sentence))
    return told(account, sentence, {"of": of, **request.form})


def told(account: GatewayAccount, sentence: str, bad: Mapping[str, object] | None = None) -> Response:
    """The secrets as they stand now, and what came of it. `bad`: what was typed and is refused."""
    if not wants_fragment():
        flash(sentence, "warning" if bad else "message")
        return redirect(url_for("settings.accounts.show", id_=account.id, _anchor="secrets"), 303)
    db.session.refresh(account)
    passing = prospects.passing(account)
    page = render_template("settings/accounts/_secrets.html", account=account, told=sentence, bad=bad, passing=passing)
    return make_response(page, 422 if bad else 200, {"HX-Trigger": json.dumps({"say": sentence})})
