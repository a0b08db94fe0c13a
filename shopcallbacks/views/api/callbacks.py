"""Callbacks for programs: listed by the panel's filter, shown, and a manager's verbs with a reason."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, g, request
from pydantic import ValidationError

from ...bells import ring
from ...callbacks.attempts import Attempt
from ...callbacks.callback import Callback
from ...domain.errors import Conflict, Reason, Refused
from ...domain.states import BY_A_PERSON, OFFERED, Verb
from ...extensions import db
from ...orders.intake import BadOrder, read_json
from ...panel.body import Pane
from ...panel.callback.request import pane_of
from ...panel.filter import PER_PAGE, Filter, Sort, Tab
from ...panel.headline import headline
from ...panel.page import Cursor, page_of
from ...shapes import callbacks as shapes
from ...shops.acts import Activity
from ...shops.tokens import Scope
from ...words.masking import mask
from ..callbacks.asking import Lacks, Question
from ..callbacks.words import order_number
from ..problems import problem
from ..replica import from_replica
from ..well_formed import is_bad
from .base import answer, kept, operation

TEXT = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[^\\u0000]*$"}
DAY = {"type": "string", "format": "date"}
# The panel's filter, as its address has it, and the page.
QUERY: dict[str, dict[str, Any]] = {
    "tab": {"enum": [*Tab], "default": Tab.unprocessed, "description": "What the panel shows behind that tab."},
    "account": {**TEXT, "description": "Gateway accounts, divided by commas."},
    "reason": {"enum": [*Reason]},
    "conflict": {"enum": [*Conflict]},
    "known": {**TEXT, "description": "A cause, as the panel's address has it."},
    "from": {**DAY, "description": "Received on that day or later, by the shop's clock."},
    "to": DAY,
    "order": {**TEXT, "description": "The order's number, whole."},
    "q": {**TEXT, "description": "Words and their beginnings, in all that was received."},
    "sort": {"enum": [*Sort], "description": "Unless given, what waits has its oldest first, all else its youngest."},
    "per": {"enum": [*PER_PAGE], "default": PER_PAGE[0], "description": "How many at once."},
    "after": {**TEXT, "description": "The `after` of the page before."},
}


@operation(
    "GET",
    "/callbacks",
    Scope.read,
    query=QUERY,
    answers={200: (shapes.Callbacks, "A page of them.")},
    problems=(422,),
)
@from_replica
def list_callbacks() -> Response:
    """List callbacks.

    By the panel's filter: those that need a person unless it says otherwise. One that can't be used is a problem.
    """
    given = request.args
    errors = _problems()
    found = Filter.read(given.items(multi=True))
    cursor = Cursor.read(given["after"], onward=True) if "after" in given else None
    if "after" in given and (cursor is None or cursor.key(found.sorting.by_amount) is None):
        errors.setdefault("after", "is no `after` of these pages")
    if errors:
        return problem(422, "The callbacks can't be listed.", errors=errors)
    page = page_of(found, g.shop, cursor)
    return answer(shapes.Callbacks(callbacks=list(map(shape_of, page.callbacks)), after=page.after))


def _problems() -> dict[str, str]:
    """A sentence for each filter that can't be used: the panel leaves it out, a program must not be misled."""
    errors = {}
    for name, value in request.args.items(multi=True):
        problems = Filter.read([(name, value)]).at(g.shop).problems
        if name not in QUERY:
            errors[name] = "is no filter"
        elif not value.strip():
            errors[name] = "is empty"
        elif problems:
            errors[name] = problems[0].removesuffix(" It was left out.")
    return errors


@operation(
    "GET",
    "/callbacks/<int:id_>",
    Scope.read,
    answers={200: (shapes.WholeCallback, "As it stands.")},
    problems=(404,),
)
def show_callback(id_: int) -> Response:
    """Show a callback.

    With all that was tried and done about it, and the request that came.
    """
    callback = _load(id_)
    return answer(
        shapes.WholeCallback(
            **dict(shape_of(callback)),
            attempts=[_attempt(attempt) for attempt in callback.attempts],
            acts=[
                shapes.Act(who=act.actor, verb=act.verb, why=mask(act.why), what=mask(act.what), at=act.at)
                for act in Activity.about(callback.id)
            ],
            request=_request(callback),
        )
    )


@operation(
    "POST",
    "/callbacks/<int:id_>/<verb>",
    Scope.act,
    body=shapes.Asked,
    answers={
        200: (shapes.Callback, "It is done."),
        202: (shapes.Callback, "An attempt is under way: look again in a moment."),
    },
    problems=(404, 409, 422),
)
def act_on_callback(id_: int, verb: str) -> Response:
    """Do what a manager does about a callback.

    It is kept in Activity with the token's name and the reason. 409 where the callback has moved on, or the verb does
    not fit it; what only an admin may, or takes two people, no token may.
    """
    callback, wanted = _load(id_), Verb.named(verb) or abort(404)
    try:
        asked = _asked()
    except BadOrder as error:
        return problem(422, "The verb can't be done.", errors=error.problems)
    if wanted.needs_why and not asked.why.strip():
        return problem(422, "The verb can't be done.", errors={"why": "is needed: the reason is kept"})
    callback = Callback.lock(callback.id)
    said = {"payment": asked.payment or "", "sum": asked.sum or "", "number": asked.order or ""}
    try:
        Question(wanted, callback, g.token.user, said).do(asked.why.strip(), asked.version)
    except Lacks as lacks:
        return problem(422, mask(str(lacks)))
    except Refused as refused:
        response = problem(409, mask(str(refused)), callback=shape_of(callback))
    else:
        db.session.flush()
        response = answer(shape_of(callback), 202 if callback.due_kind in BY_A_PERSON else 200)
    kept(response)
    db.session.commit()
    if callback.due_at is not None:
        ring(callback.lane)
    return response


def _asked() -> shapes.Asked:
    """`BadOrder` with a sentence for each bad field. Without a body nothing is said."""
    data = read_json(request.get_data()) if request.get_data() else {}
    if not isinstance(data, dict):
        raise BadOrder({"body": "must be a JSON object"})
    if bad := {name: "holds what is no text" for name, value in data.items() if _is_bad(name) or _is_bad(value)}:
        raise BadOrder(bad)
    try:
        return shapes.Asked.model_validate(data, strict=True)
    except ValidationError as error:
        raise BadOrder({str(one["loc"][0]): _SAID.get(one["type"], one["msg"]) for one in error.errors()}) from None


def _is_bad(value: Any) -> bool:
    return isinstance(value, str) and is_bad(value)


_SAID = {
    "extra_forbidden": "is no field of a verb",
    "string_type": "must be text",
    "string_too_long": "must have at most 500 characters",
    "int_type": "must be a whole number",
}


def _load(id_: int) -> Callback:
    """404 where it is not this shop's."""
    found = db.session.get(Callback, id_)
    return found if found is not None and found.shop_id == g.shop.id else abort(404)


def shape_of(callback: Callback) -> shapes.Callback:
    """As a viewer sees it."""
    money, order = callback.money, callback.order
    return shapes.Callback(
        id=callback.id,
        version=callback.version,
        received_at=callback.received_at,
        gateway_account=callback.account.slug,
        gateway=callback.account.gateway_name,
        state=callback.state,
        reason=callback.reason,
        conflict=callback.conflict,
        headline=mask(headline(callback)),
        detail=mask(callback.detail),
        verdict=callback.verdict,
        outcome=callback.outcome,
        effect=callback.effect,
        order=order_number(callback) if callback.order_number else None,
        order_state=order.state if order else None,
        transaction_id=_masked(callback.transaction_id),
        event_id=_masked(callback.event_id),
        amount=str(money.amount) if money else None,
        currency=money.currency if money else None,
        test=callback.test,
        customer=_masked(callback.customer or (order.customer_email if order else None)),
        attempt_count=callback.attempt_count,
        due_at=callback.due_at,
        verbs=[verb for verb in OFFERED if _may(verb, callback)],
    )


def _may(verb: Verb, callback: Callback) -> bool:
    return g.token.may(Scope.act) and verb in callback.open_to and not callback.barred(verb, g.token.user)


def _attempt(attempt: Attempt) -> shapes.Attempt:
    by_a_person = attempt.kind in BY_A_PERSON
    return shapes.Attempt(
        number=attempt.number,
        kind=attempt.kind,
        asked_by=(attempt.asked_by.name if attempt.asked_by else "the command line") if by_a_person else None,
        why=_masked(attempt.why),
        at=attempt.at,
        verdict=attempt.verdict,
        outcome=attempt.outcome,
        effect=attempt.effect,
        reason=attempt.reason,
        conflict=attempt.conflict,
        detail=mask(attempt.detail),
    )


def _request(callback: Callback) -> shapes.Request | None:
    pane = pane_of(callback, "body")
    if pane is None:
        return None
    return shapes.Request(
        path=pane.path,
        query=_readable(pane.query),
        headers=list(pane.headers),
        body=_readable(pane.body),
        body_bytes=pane.body.total,
        sha256=callback.digest.hex(),
    )


def _readable(pane: Pane) -> str:
    return pane.raw or pane.pretty


def _masked(text: str | None) -> str | None:
    return mask(text) if text is not None else None
