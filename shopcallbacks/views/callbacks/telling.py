"""What the screens of one callback are drawn from, and how the result of an act is told."""

from __future__ import annotations

import json
from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from ...callbacks.callback import Callback
from ...callbacks.notes import Note
from ...callbacks.related import related_to
from ...panel.callback.comparison import compare
from ...panel.callback.request import pane_of
from ...panel.callback.timeline import story_of
from ...panel.rows import Row, rows_of
from ...processing import foresight
from ...shops.acts import Activity
from ..screens import now, wants_fragment
from ..well_formed import own_path


def row_of(callback: Callback) -> Row:
    return rows_of([callback], current_user, now())[0]


def row_parts(callback: Callback, note: str = "") -> dict[str, Any]:
    return {"row": row_of(callback), "note": note, "back": back(), "undo": just_done(callback), "fresh": True}


def just_done(callback: Callback) -> Activity | None:
    """The user's own act that the answer is to, where it can be undone; a removal has its Restore button anyway."""
    act = Activity.last_about(callback.id) if request.method == "POST" else None
    return act if act is not None and act.verb == "restore" and act.user_id == current_user.id else None


def page_parts(callback: Callback, note: str = "", part: str = "") -> dict[str, Any]:
    row = row_of(callback)
    open_ = not row.busy and "retry" in callback.open_to
    related = related_to(callback)
    return {
        "callback": callback,
        "row": row,
        "note": note,
        "retry": foresight.of_retry(callback) if open_ else None,
        "force": foresight.of_force(callback) if open_ else None,
        "differences": compare(callback, row.format),
        "related": related,
        "story": story_of(callback, row, related),
        "pane": pane_of(callback, part),
        "undo": just_done(callback),
        "notes": Note.about(callback.id),
        "back": url_for("callbacks.show", id_=callback.id),
    }


def back() -> str:
    """Where the act was asked for: a path of this site."""
    return back_to(url_for("callbacks.index"))


def back_to(usual: str) -> str:
    """The same, or as usual."""
    return own_path(request.values.get("back", "")) or usual


def told(content: str, callback: Callback, said: str = "", status: int = 200) -> Response:
    """The fragment, and to whoever listens that something has changed and what came of it, once it has."""
    response = Response(content, status)
    row = row_of(callback)
    if said or not row.busy:
        response.headers["HX-Trigger"] = json.dumps({"callbacks-changed": {}, "say": said or row.said})
    return response


def answer(callback: Callback, said: str, status: int = 200) -> BaseResponse:
    """After an act: the fresh row (or page) to htmx, a way back with the sentence to a plain form."""
    if not wants_fragment():
        flash(said, "info" if status == 200 else "warning")
        return redirect(back(), 303)
    note = said if status != 200 else ""
    if request.form.get("on") == "page":
        return told(render_template("callbacks/_page.html", **page_parts(callback, note)), callback, said, status)
    return told(render_template("callbacks/_row.html", **row_parts(callback, note)), callback, said, status)
