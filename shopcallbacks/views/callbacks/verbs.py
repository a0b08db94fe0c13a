"""What a manager does about a callback. Each verb changes one callback and answers with its fresh row or page."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask_login import current_user
from werkzeug.wrappers import Response

from ...bells import ring
from ...callbacks.callback import Callback
from ...callbacks.claims import Claim
from ...domain.errors import Refused
from ...domain.states import Verb
from ...extensions import db
from ...words import acts
from ..access import load_callback, lock_callback, managers_only
from ..screens import wants_fragment, whole
from .asking import Lacks, Question
from .telling import answer, back, row_of

bp = Blueprint("verbs", __name__, url_prefix="/callbacks/<int:id_>")


# What a verb makes, as the address of it.
NOUNS = {
    Verb.retry: "retry",
    Verb.force: "forced-retry",
    Verb.reopen: "reopening",
    Verb.owe: "debt",
    Verb.accept: "acceptance",
    Verb.part: "part",
    Verb.take_too: "addition",
    Verb.unowe: "debt-release",
    Verb.take_back: "withdrawal",
    Verb.choose: "payment",
    Verb.assign: "assignment",
    Verb.close: "closure",
    Verb.remove: "removal",
    Verb.restore: "restoration",
}


def _register(verb: Verb, noun: str) -> None:
    """POST does it, as `verbs.retry`; of a verb that needs a reason GET asks for that, as `verbs.ask_force`.

    POST with `look` does nothing yet: it asks again, telling what would come of what was said so far.
    """

    @managers_only
    def ask_first(id_: int) -> str:
        return asked(verb, load_callback(id_))

    @managers_only
    def do(id_: int) -> Response | tuple[str, int] | str:
        if "look" in request.form:
            return asked(verb, load_callback(id_))
        if verb.needs_why and not why():
            return asked(verb, load_callback(id_), missing=True), 422
        return act(id_, verb)

    if verb.needs_why:
        bp.add_url_rule(f"/{noun}", f"ask_{verb}", ask_first)
    bp.add_url_rule(f"/{noun}", verb, do, methods=["POST"])


for verb, noun in NOUNS.items():
    _register(verb, noun)


def act(id_: int, verb: Verb) -> Response | tuple[str, int]:
    """Does it, commits, rings; refused where the callback has moved on since it was seen, or it does not fit."""
    callback = lock_callback(id_)
    try:
        question = question_about(verb, callback)
        done = acts.ASKED_SECOND if question.asks_second else acts.VERBS[verb].done
        question.do(why(), request.form.get("seen", type=whole))
    except Lacks as lacks:
        return asked(verb, callback, problem=str(lacks)), 422
    except Refused as refused:
        db.session.rollback()
        return moved_on(verb, load_callback(id_), str(refused))
    Claim.renew(callback, current_user)
    db.session.commit()
    if callback.due_at is not None:
        ring(callback.lane)
    return answer(callback, done)


def moved_on(verb: Verb, callback: Callback, sentence: str) -> Response | tuple[str, int]:
    """The fresh row to htmx, which asks anew by itself (refused.js). To a plain form the question, as things stand now;
    in both is what was typed.
    """
    if verb.needs_why and not wants_fragment():
        return asked(verb, callback, problem=sentence), 409
    return answer(callback, sentence, 409)


def question_about(verb: Verb, callback: Callback) -> Question:
    return Question(verb, callback, current_user, request.values)


def asked(verb: Verb, callback: Callback, missing: bool = False, problem: str = "") -> str:
    """The question before a verb that needs a reason: in a dialog, or as a page of its own."""
    question = question_about(verb, callback)
    return render_template(
        "callbacks/ask/_ask.html" if wants_fragment() else "callbacks/ask/ask.html",
        question=question,
        verb=verb,
        callback=callback,
        row=row_of(callback),
        why=request.values.get("why", ""),
        missing=missing,
        problem="" if question.refused else problem or question.problem,
        on=request.values.get("on", ""),
        back=back(),
    )


def why() -> str:
    return request.form.get("why", "").strip()[:500]
