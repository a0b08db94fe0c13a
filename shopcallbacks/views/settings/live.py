"""A test account goes live: what that changes, the live mode's secrets, and then it is so."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from ...extensions import db
from ...gateways.settings import BadSettings
from ...shops import setup
from ...shops.accounts import GatewayAccount, Mode
from ..access import admins_only, load_account
from ..screens import Shown
from .form import fields, read_secrets

bp = Blueprint("live", __name__, url_prefix="/gateways/<int:id_>/live")


@bp.get("")
@admins_only
def show(id_: int) -> Shown:
    account = load_account(id_)
    return page(account, {}) if account.mode is Mode.test else there(account, "It is live already.")


@bp.post("")
@admins_only
def go(id_: int) -> Shown:
    account = load_account(id_)
    if account.mode is Mode.live:
        return there(account, "It is live already.")
    given: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for setting in account.gateway.settings:
        try:
            given[setting.key] = read_secrets(setting, request.form) if setting.is_secret else None
        except BadSettings as error:
            problems |= error.problems
    try:
        if not problems:
            setup.go_live(account, {key: value for key, value in given.items() if value}, current_user)
    except BadSettings as error:
        problems = error.problems
    if problems:
        return page(account, problems), 422
    db.session.commit()
    return there(account, f"{account.title} is live now.")


def page(account: GatewayAccount, problems: dict[str, str]) -> str:
    drawn = fields(account.gateway, account.settings, problems)
    asked = {setting.key for setting in account.secrets_asked_anew}
    return render_template("settings/accounts/live.html", account=account, fields=drawn, asked=asked, problems=problems)


def there(account: GatewayAccount, sentence: str) -> Response:
    flash(sentence)
    return redirect(url_for("settings.accounts.show", id_=account.id), 303)
