"""What all calls of the API pass: the token, its pace, its scopes, and an answer that was given before."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Response, g, json, request

from ...extensions import csrf
from ...orders import repeats
from ...shapes.base import Shape
from ...shops.pace import Window, pace
from ...shops.tokens import ApiToken, Scope
from ...shops.tries import TOKENS, network, tries
from ..problems import CONTENT_TYPE, problem
from ..sessions import keep_seen

bp = Blueprint("api", __name__, url_prefix="/api")
csrf.exempt(bp)

View = Callable[..., Response]


@dataclass(frozen=True)
class Operation:
    """All that is known of a call, for the gate before it and the document about it (`document.py`).

    `answers`: the shape of each status that is no problem, and in half a sentence when it comes; `problems`: the
    statuses that it answers besides those that every call may; `query`: JSON Schemas by name; `body`: what it takes.
    """

    view: View
    method: str
    rule: str
    scope: Scope
    answers: Mapping[int, tuple[type[Shape], str]]
    problems: tuple[int, ...] = ()
    query: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    body: type[Shape] | None = None

    @property
    def id(self) -> str:
        return self.view.__name__

    @property
    def about(self) -> str:
        return inspect.cleandoc(self.view.__doc__ or "")


OPERATIONS: dict[str, Operation] = {}


def operation(method: str, rule: str, scope: Scope, **more: Any) -> Callable[[View], View]:
    """Makes the view a call of the API: its route, its gate and its place in the document."""

    def register(view: View) -> View:
        found = Operation(view, method, rule, scope, **more)
        OPERATIONS[f"{bp.name}.{found.id}"] = found
        bp.add_url_rule(rule, found.id, view, methods=[method])
        return view

    return register


@bp.before_request
def authenticate() -> Response | None:
    """The bearer token names the shop. Wrong ones are counted by network."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    token = ApiToken.of_text(text.strip()) if scheme.lower() == "bearer" and text else None
    if token is None:
        if wait := tries().take(TOKENS, network(request.remote_addr)):
            return problem(429, "Too many wrong bearer tokens from your network.", {"Retry-After": str(wait)})
        return problem(401, "The bearer token is missing or not known.", {"WWW-Authenticate": "Bearer"})
    if token.used():
        keep_seen()
    g.token, g.shop = token, token.shop
    return None


@bp.before_request
def keep_pace() -> Response | None:
    window = g.window = pace().count(g.token.id)
    if window is None or not window.over:
        return None
    said = f"This token has made all the {window.calls:,} calls that it may within a minute."
    return problem(429, said, {"Retry-After": str(window.resets_s)})


@bp.before_request
def need_scope() -> Response | None:
    wanted = OPERATIONS[request.endpoint or ""].scope
    if g.token.may(wanted):
        return None
    challenge = f'Bearer error="insufficient_scope", scope="{wanted}"'
    return problem(403, f"This token may not do that: it lacks the scope {wanted}.", {"WWW-Authenticate": challenge})


@bp.before_request
def repeat() -> Response | None:
    """A call with an `Idempotency-Key` that was used in the last 24 hours is answered as it was then, and does nothing;
    422 where it was another call. One that comes while the first is at work waits for it.
    """
    key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
    g.call = None
    if key is None:
        return None
    if not (0 < len(key) <= repeats.LONGEST and key.isprintable()):
        return problem(422, f"An Idempotency-Key is printable text of at most {repeats.LONGEST} characters.")
    g.call = repeats.Call(g.shop.id, key, hashlib.sha256(request.path.encode() + b"\0" + request.get_data()).digest())
    before = repeats.begin(g.call)
    if before is None:
        return None
    if not before.same:
        return problem(422, "This Idempotency-Key was used for another call.")
    kind = "application/json" if before.status < 400 else CONTENT_TYPE
    return Response(before.body, before.status, content_type=kind)


@bp.after_request
def tell_pace(response: Response) -> Response:
    window: Window | None = g.get("window")
    if window is not None:
        response.headers.update(window.headers)
    return response


def kept(response: Response) -> Response:
    """The answer, kept for a repeat of the call. Before the commit of what it tells of."""
    if g.call is not None:
        repeats.answered(g.call, response.status_code, response.get_data(as_text=True))
    return response


def answer(shape: Shape, status: int = 200) -> Response:
    return Response(json.dumps(shape.as_json), status, content_type="application/json")
