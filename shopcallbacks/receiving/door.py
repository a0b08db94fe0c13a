"""Where gateways call. Store first, look later: committed before the reply, and nothing but that decides the reply."""

from __future__ import annotations

from flask import Blueprint, Response, abort, current_app, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import RequestEntityTooLarge

from ..callbacks.callback import Callback
from ..callbacks.too_large import Refusal
from ..domain.states import Lane
from ..extensions import csrf, db, ring
from ..logs import named
from ..shops.accounts import GatewayAccount
from .wire import received

bp = Blueprint("ingest", __name__, url_prefix="/callbacks")
csrf.exempt(bp)

RETRY_AFTER_S = "30"


@bp.route("/<shop>/<slug>/<token>", methods=["GET", "POST"])
def receive(shop: str, slug: str, token: str) -> Response:
    try:
        account = GatewayAccount.called(shop, slug, token)
        if account is None:
            abort(404)
        if request.method not in account.gateway.methods:
            abort(405, response=Response("", 405, {"Allow": ", ".join(account.gateway.methods)}))
        return _keep(account)
    except SQLAlchemyError as error:
        current_app.logger.error("The store is away, a callback was not taken: %s", named(error))
        return Response("Not stored, please send again.", 503, {"Retry-After": RETRY_AFTER_S})


def _keep(account: GatewayAccount) -> Response:
    try:
        call = received(request, current_app.config["MAX_CALLBACK_BYTES"])
    except RequestEntityTooLarge:
        Refusal.count_one(account.id)
        db.session.commit()
        raise
    said = account.gateway.reply(call, account.reply_settings)
    Callback.receive(call, account.id, account.shop_id, account.asks)
    ring(Lane.for_callbacks(account.asks))
    return Response(said.body, said.status, content_type=said.content_type)
