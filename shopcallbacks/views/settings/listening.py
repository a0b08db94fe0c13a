"""Listening for the first callback of a gateway account."""

from __future__ import annotations

import json

from flask import Blueprint, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response

from ...dashboard import health
from ...domain.values import Verdict
from ..access import admins_only, load_account
from ..screens import wants_fragment

bp = Blueprint("listening", __name__, url_prefix="/gateways/<int:id_>/listening")


@bp.get("")
@admins_only
def show(id_: int) -> Response:
    """The card alone, which asks again until one is genuine; that is read out."""
    account = load_account(id_)
    if not wants_fragment():
        return redirect(url_for("settings.accounts.show", id_=id_, _anchor="listening"))
    call = health.own_call(account)
    page = render_template("settings/accounts/_listening.html", account=account, call=call)
    came = call is not None and call.verdict is Verdict.genuine
    said = {"say": f"The first callback of {account.title} came, and is genuine."}
    return make_response(page, {"HX-Trigger": json.dumps(said)} if came else {})
