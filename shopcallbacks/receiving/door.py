"""Where gateways call. Store first, look later: committed before the reply, and nothing but that decides on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from hmac import compare_digest
from typing import TYPE_CHECKING, Any, TypeVar

import flask
import psycopg
from flask import Blueprint, Flask, Response, abort, current_app, request
from flask.globals import request_ctx
from flask.sessions import SessionInterface
from gunicorn.http.errors import NoMoreData, ParseException
from werkzeug.exceptions import BadRequest, MethodNotAllowed, RequestEntityTooLarge
from werkzeug.routing import BaseConverter

from ..bells import bell
from ..clock import utcnow
from ..domain.states import Lane, WrongCall
from ..domain.values import Reply, Request
from ..extensions import csrf, db
from ..logs import step
from ..shops.accounts import GatewayAccount
from .addresses import Addressee, Addresses
from .brake import Brake
from .keeping import Keeper, NotKept
from .line import Line
from .probe import Probe
from .turned_away import TurnedAway
from .wire import received

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

bp = Blueprint("receiving", __name__, url_prefix="/callbacks")
csrf.exempt(bp)

RETRY_AFTER_S = "30"
# No answer to a gateway is a page: a browser that is led here loads nothing for it, guesses nothing, keeps nothing.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
HTTPS_ONLY = {"Strict-Transport-Security": "max-age=31536000"}
F = TypeVar("F", bound=Callable[..., Response])


class NotANumber(BaseConverter):
    regex = r"(?![0-9]+/)[^/]+"


ADDRESS = re.compile(f"/callbacks/{NotANumber.regex}/.")
# All that a gateway set up wrongly may try, so that it is counted. No address of ours takes DELETE.
ANY_METHOD = ("GET", "HEAD", "POST", "PUT", "PATCH", "OPTIONS")


class Door:
    """What it needs of the database: two lines for keeping callbacks, and one for all else."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._lines = [Line(app.config) for _ in range(3)]
        asking, keeping, keeping_large = self._lines
        self.keeper = Keeper([keeping, keeping_large])
        self.addresses = Addresses(asking, self._with_secrets)
        self.probe = Probe(asking)
        self.turned_away = TurnedAway(asking)
        self.brake = Brake()

    def _with_secrets(self, account_id: int) -> dict[str, Any]:
        with self._app.app_context():
            return db.session.get_one(GatewayAccount, account_id).settings_at(utcnow())[0]

    def forget(self) -> None:
        """What it knew a moment ago."""
        self.addresses.forget()
        self.probe.forget()
        self.turned_away.forget()

    def close(self) -> None:
        self.keeper.close()
        self.turned_away.close()
        for line in self._lines:
            line.close()


class NoSessions(SessionInterface):
    def open_session(self, app: Flask, request: flask.Request) -> None:
        return None


def init_app(app: Flask) -> None:
    """Before the screens' app stands one that has the door alone, and the same configuration and extensions.

    So a callback passes none of what screens need (session, log-in, CSRF, limits, compression), and nothing of that can
    break it. A shop whose slug is a number shares its addresses with the panel's pages, and goes through the app.
    """
    app.extensions["door"] = Door(app)
    gate = app.extensions["gate"] = Flask("shopcallbacks.receiving", static_folder=None)
    gate.config, gate.extensions, gate.session_interface = app.config, app.extensions, NoSessions()
    for one in (app, gate):
        one.url_map.converters["not_a_number"] = NotANumber
    gate.register_blueprint(bp)
    gate.after_request(_add_headers)
    behind = app.wsgi_app

    def wsgi_app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        way = gate.wsgi_app if ADDRESS.match(environ["PATH_INFO"]) else behind
        return way(environ, start_response)

    app.wsgi_app = wsgi_app  # type: ignore[method-assign]


def _add_headers(response: Response) -> Response:
    response.headers.extend(HEADERS)
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers.extend(HTTPS_ONLY)
    return response


def door() -> Door:
    made: Door = current_app.extensions["door"]
    return made


def address(rule: str) -> Callable[[F], F]:
    """A callback's address, or nearly one: called in any way, with or without a slash behind it."""
    return bp.route(rule, methods=ANY_METHOD, strict_slashes=False, provide_automatic_options=False)


@address("/<shop>/<slug>/<token>/")
def receive(shop: str, slug: str, token: str) -> Response:
    try:
        account = _find(shop, slug, token)
        call = _read(account)
        id_ = door().keeper.keep(call, account.id, account.shop_id, account.asks)
    except (psycopg.Error, NotKept) as error:
        current_app.logger.error("A callback was not kept: %s", type(error).__name__)
        return Response("Not stored, please send again.", 503, {"Retry-After": RETRY_AFTER_S})
    step("A callback was kept", callback=id_, account=account.id, shop=account.shop_id)
    answer = _answer(account, call)
    if account.braked:
        door().brake.hold()
    return answer


@address("/<not_a_number:shop>/<slug>/")
@address("/<not_a_number:shop>/<slug>/<token>/<path:more>")
def stray(shop: str, slug: str, **more: str) -> Response:
    """An address that was cut off, or has something behind it."""
    with suppress(psycopg.Error):
        called = door().addresses.find(shop, slug)
        if called.shop_id is not None:
            door().turned_away.count(called.shop_id, called.account.id if called.account else None, WrongCall.path)
    abort(404)


@bp.errorhandler(ParseException)
@bp.errorhandler(NoMoreData)
def broken(error: Exception) -> BadRequest:
    """A body that is not what HTTP calls one, or that ended in the middle."""
    return BadRequest()


def _find(shop: str, slug: str, token: str) -> Addressee:
    """Whose address it is. 404 where it is nobody's, 405 where the account's gateway does not call so; both counted."""
    called = door().addresses.find(shop, slug)
    account = called.account
    if account is None:
        if called.shop_id is not None:
            door().turned_away.count(called.shop_id, None, WrongCall.path)
        abort(404)
    if not compare_digest(account.token.encode(), token.encode()):
        _count(account, WrongCall.token)
        abort(404)
    if account.methods is not None and request.method not in account.methods:
        _count(account, WrongCall.method)
        raise MethodNotAllowed(account.methods)
    return account


def _read(account: Addressee) -> Request:
    try:
        return received(request_ctx.request, current_app.config["MAX_CALLBACK_BYTES"])
    except RequestEntityTooLarge:
        _count(account, WrongCall.too_large)
        raise


def _count(account: Addressee, why: WrongCall) -> None:
    door().turned_away.count(account.shop_id, account.id, why)


def _answer(account: Addressee, call: Request) -> Response:
    """Rings, and says what the gateway wants to hear. The callback is kept: whatever breaks here, the answer is 200."""
    try:
        bell().ring_soon(Lane.for_callbacks(account.asks))
        said = account.gateway.reply(call, account.reply_settings)
        return Response(said.body, said.status, content_type=said.content_type)
    except Exception:
        current_app.logger.exception("A callback is kept, but no reply could be made: account %s", account.id)
        return Response(content_type=Reply.content_type)
