"""Check the key: the gateway is asked whether it takes the account's API keys, and nothing is kept of it."""

from __future__ import annotations

from flask import Blueprint, abort, current_app, render_template

from ...extensions import db
from ...processing import keys
from ..access import admins_only, load_account
from ..screens import now, wants_fragment

bp = Blueprint("keys", __name__, url_prefix="/gateways/<int:id_>/keys")


@bp.post("")
@admins_only
def check(id_: int) -> str:
    account = load_account(id_)
    gateway, asked = account.gateway, keys.questions(account, now()) or abort(404)
    db.session.commit()  # so that no transaction is open while it is asked
    answers = keys.check(gateway, asked, current_app.extensions["ask"])
    template = "settings/accounts/_key_check.html" if wants_fragment() else "settings/accounts/key_check.html"
    return render_template(template, account=load_account(id_), answers=answers)
