"""Sending a test callback to a gateway account, and following what becomes of it."""

from __future__ import annotations

import json

from flask import Blueprint, abort, flash, make_response, redirect, render_template, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from ...callbacks.callback import Callback
from ...dashboard.pulse import Pulse, is_alive
from ...extensions import db
from ...outgoing import trial
from ...panel import headline
from ...shops.accounts import GatewayAccount
from ..access import admins_only, load_account, load_callback
from ..screens import now, wants_fragment

bp = Blueprint("trials", __name__, url_prefix="/gateways/<int:id_>/tests")


@bp.post("")
@admins_only
def send(id_: int) -> str | Response:
    account = load_account(id_)
    try:
        prepared = trial.prepare(account, now())
        order = trial.make_order(account, prepared)
    except trial.NotSent as error:
        return failed(account, str(error))
    db.session.commit()  # so that no transaction is open while it goes, and the order is there before it
    callback_id, sentence = trial.record(account, order, trial.send(prepared), current_user)
    db.session.commit()
    return failed(account, sentence) if callback_id is None else sent(account, callback_id)


def sent(account: GatewayAccount, callback_id: int) -> str | Response:
    if wants_fragment():
        return follow(account, load_callback(callback_id))
    return redirect(url_for("settings.trials.show", id_=account.id, callback_id=callback_id), 303)


def failed(account: GatewayAccount, sentence: str) -> str | Response:
    if wants_fragment():
        return render_template("settings/trials/_test.html", account=account, failed=sentence)
    flash(sentence, "warning")
    return redirect(url_for("settings.accounts.show", id_=account.id, _anchor="test"), 303)


@bp.get("/<int:callback_id>")
@admins_only
def show(id_: int, callback_id: int) -> Response:
    account, callback = load_account(id_), load_callback(callback_id)
    if callback.account_id != account.id:
        abort(404)
    return follow(account, callback)


def follow(account: GatewayAccount, callback: Callback) -> Response:
    """How far the test is; the fragment asks again until it is through, and then it is read out."""
    working = callback.due_at is not None
    cause = headline.headline(callback)
    page = render_template(
        "settings/trials/_test.html" if wants_fragment() else "settings/trials/test.html",
        account=account,
        callback=callback,
        act=trial.act_of(callback) or abort(404),
        attempt=callback.attempts[-1] if callback.attempts else None,
        order=callback.order,
        working=working,
        worker_gone=not is_alive(Pulse.last(), now()),
        cause=cause,
    )
    return make_response(page, {} if working else {"HX-Trigger": json.dumps({"say": f"The test callback: {cause}."})})
