"""A test account goes live: what that changes, the live mode's secrets, and then it is so."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from ...extensions import db
from ...gateways.settings import BadSettings
from ...shops import setup
from ...shops.accounts import GatewayAccount, Mode
from ..access import admins_only, load_account
from ..screens import Shown
from . import form

bp = Blueprint("live", __name__, url_prefix="/gateways/<int:id_>/live")


@bp.get("")
@admins_only
def show(id_: int) -> Shown:
    account = load_account(id_)
    if account.mode is Mode.live:
        return there(account, "It is live already.")
    return page(account, form.fields(account.gateway, account.settings), {})


@bp.post("")
@admins_only
def go(id_: int) -> Shown:
    account = load_account(id_)
    if account.mode is Mode.live:
        return there(account, "It is live already.")
    try:
        setup.go_live(account, form.read(account.gateway, request.form, test=False), current_user)
    except BadSettings as error:
        return page(account, form.typed(account.gateway, request.form, error.problems), error.problems), 422
    db.session.commit()
    return there(account, f"{account.title} is live now.")


def page(account: GatewayAccount, fields: list[form.FormField], problems: dict[str, str]) -> str:
    asked = {setting.key for setting in account.secrets_asked_anew}
    return render_template(
        "settings/accounts/live.html", account=account, fields=fields, asked=asked, problems=problems
    )


def there(account: GatewayAccount, sentence: str) -> Response:
    flash(sentence)
    return redirect(url_for("settings.accounts.show", id_=account.id), 303)
