"""What the screens of one callback are drawn from, and how the result of an act is told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Response, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from ...callbacks.callback import Callback
from ...callbacks.notes import Note
from ...callbacks.related import related_to
from ...callbacks.wants import wants
from ...domain.states import OFFERED, Verb
from ...look import Snapshot
from ...panel.callback.comparison import compare
from ...panel.callback.request import pane_of
from ...panel.callback.timeline import story_of
from ...panel.filter import Filter
from ...panel.page import NUMBERED, place_of
from ...panel.rows import JUST_NOW, Offer, Row, full_row, rows_of
from ...processing.foresight import Foresight, foresee
from ...shops.acts import Activity, last_move
from ..access import current_shop
from ..screens import now, wants_fragment
from ..well_formed import own_path


def row_of(callback: Callback) -> Row:
    return rows_of([callback], current_user, now())[0]


def row_parts(callback: Callback, note: str = "") -> dict[str, Any]:
    done = just_done(Activity.last_about(callback.id)) if request.method == "POST" else None
    return {"row": row_of(callback), "note": note, "back": back(), "undo": done, "fresh": True}


def undos_of(callbacks: Sequence[Callback]) -> dict[int, Activity]:
    """By callback, what its row offers to undo: the same as the answer to the act did, which a look that was asked for
    before the act may overtake.
    """
    acts = Activity.last_of(callback.id for callback in callbacks)
    return {id_: act for id_, act in acts.items() if just_done(act) and now() - act.at < JUST_NOW}


def just_done(act: Activity | None) -> Activity | None:
    """The user's own act that the answer is to, where it can be undone; a removal has its Restore button anyway."""
    return act if act is not None and act.verb == Verb.restore and act.user_id == current_user.id else None


def page_parts(callback: Callback, note: str = "", part: str = "") -> dict[str, Any]:
    acts, notes = Activity.about(callback.id), Note.about(callback.id)
    row = full_row(callback, current_user, now(), acts, notes)
    would = {} if row.busy else what_would(callback)
    related = related_to(callback)
    filter_ = came_from()
    return {
        "filter": filter_,
        "place": place_of(callback, filter_, callback.account.shop) if filter_ else None,
        "numbered": NUMBERED,
        "callback": callback,
        "row": row,
        "note": note,
        "would": shown_of(would),
        "offer": Offer.of(verb for verb in OFFERED if verb in callback.open_to and _offered(verb, row, would)),
        "differences": compare(callback, row.format),
        "related": related,
        "story": story_of(callback, row, related, acts),
        "pane": pane_of(callback, part),
        "undo": just_done(last_move(acts)) if request.method == "POST" else None,
        "notes": notes,
        "back": page_address(callback.id, filter_),
    }


def came_from() -> Filter | None:
    """What the panel showed when the page was opened from there: the page's address has it, its tab in any case; while
    the page asks, its `back` does."""
    if request.endpoint == "callbacks.show":
        pairs = list(request.args.items(multi=True))
    else:
        pairs = parse_qsl(urlsplit(own_path(request.values.get("back", "")) or "").query)
    return Filter.read(pairs).at(current_shop()) if "tab" in dict(pairs) else None


def page_address(id_: int, filter_: Filter | None) -> str:
    address = url_for("callbacks.show", id_=id_)
    rest = [(name, value) for name, value in filter_.pairs if name != "tab"] if filter_ else []
    return address + "?" + urlencode([("tab", filter_.tab), *rest]) if filter_ else address


def page_from(callback: Callback, panel: str) -> str:
    """The callback's page, opened from what the panel shows at that address."""
    return page_address(callback.id, Filter.from_query(urlsplit(panel).query))


def next_page(callback: Callback) -> str:
    """That of the next one in the filter; behind the last one the panel."""
    filter_ = came_from() or Filter()
    behind = place_of(callback, filter_, callback.account.shop).behind
    return page_address(behind, filter_) if behind is not None else f"{url_for('callbacks.index')}?{filter_.query}"


def what_would(callback: Callback) -> dict[Verb, Foresight | None]:
    """What each verb that asks for an attempt, and needs no further word, would do."""
    verbs = (verb for verb in OFFERED if verb in callback.open_to and verb.attempts and not wants(verb, callback))
    look = Snapshot()
    return {verb: foresee(callback, verb, look=look) for verb in verbs}


def shown_of(would: dict[Verb, Foresight | None]) -> dict[Verb, Foresight | None]:
    """Of a payment to decide on, the decisions that fit; else what a retry and a force would do."""
    rulings = [verb for verb, foreseen in would.items() if verb.rules and foreseen and foreseen.helps]
    return {verb: would[verb] for verb in rulings or would if rulings or not verb.rules}


def _offered(verb: Verb, row: Row, would: dict[Verb, Foresight | None]) -> bool:
    """On its page a verb is offered unless it is sure not to help; a retry always."""
    if not current_user.may_act or row.callback.barred(verb, current_user):
        return False
    foreseen = would.get(verb)
    return verb is Verb.retry or foreseen is None or foreseen.helps


def back() -> str:
    """Where the act was asked for: a path of this site."""
    return back_to(url_for("callbacks.index"))


def back_to(usual: str) -> str:
    """The same, or as usual."""
    return own_path(request.values.get("back", "")) or usual


def told(content: str, row: Row, said: str = "", status: int = 200, aloud: bool = True) -> Response:
    """The fragment, and to whoever listens that something has changed and, `aloud`, what came of it, once it has."""
    response = Response(content, status)
    if said or not row.busy:
        response.headers["HX-Trigger"] = json.dumps(
            {"callbacks-changed": {}} | ({"say": said or row.said} if aloud else {})
        )
    return response


def answer(callback: Callback, said: str, status: int = 200) -> BaseResponse:
    """After an act: the fresh row (or page) to htmx, a way back with the sentence to a plain form; or the next one."""
    if request.form.get("then") == "next" and status == 200:
        flash(said)
        onward = next_page(callback)
        return Response(headers={"HX-Redirect": onward}) if wants_fragment() else redirect(onward, 303)
    if not wants_fragment():
        flash(said, "info" if status == 200 else "warning")
        return redirect(back(), 303)
    note = said if status != 200 else ""
    if request.form.get("on") == "page":
        parts, template = page_parts(callback, note), "callbacks/page/_page.html"
    else:
        parts, template = row_parts(callback, note), "callbacks/row/_row.html"
    return told(render_template(template, **parts), parts["row"], said, status)
