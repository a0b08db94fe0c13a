"""One verb for many callbacks: asked with its effects before, followed while it runs, told of in a receipt after."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from ..bells import ring_bulk
from ..bulk import preview, receipt
from ..bulk.runs import STOP_SHARE, BulkRun, ItemState, RunState
from ..bulk.selection import Selection
from ..domain.errors import Refused
from ..domain.states import Verb
from ..extensions import db
from ..shops.users import User
from .access import current_shop, load_run, lock_run, managers_only
from .callbacks.verbs import why
from .downloads import taken_along
from .screens import wants_fragment, whole

bp = Blueprint("bulk", __name__, url_prefix="/bulk")

PAGE = 50


@bp.get("/new")
@managers_only
def new() -> str:
    """Before anything is done: what would come of it."""
    return question()


@bp.post("")
@managers_only
def start() -> BaseResponse | tuple[str, int]:
    shop, verb, selection = current_shop(), _verb(), _selection()
    share = request.form.get("stop_share", STOP_SHARE, type=whole)
    try:
        run = BulkRun.start(shop, current_user, verb, selection, why(), share)
    except Refused as refused:
        db.session.rollback()
        return question(str(refused)), 422
    return _begun(run)


@bp.get("")
def index() -> str:
    before = request.args.get("before", type=whole)
    runs = BulkRun.of_shop(current_shop().id, before, PAGE + 1)
    return render_template("bulk/index.html", runs=runs[:PAGE], more=len(runs) > PAGE, before=before)


@bp.get("/<int:id_>")
def show(id_: int) -> str:
    run = load_run(id_)
    if wants_fragment():
        return render_template("bulk/_run.html", **run_parts(run))
    return render_template("bulk/show.html", **run_parts(run), **item_parts(run))


@bp.get("/<int:id_>/items")
def items(id_: int) -> str | BaseResponse:
    if not wants_fragment():
        return redirect(url_for("bulk.show", id_=id_), 303)
    run = load_run(id_)
    return render_template("bulk/_items.html", run=run, **item_parts(run))


@bp.get("/<int:id_>.csv", defaults={"form": "csv"})
@bp.get("/<int:id_>.xlsx", defaults={"form": "xlsx"})
def download(id_: int, form: str) -> Response:
    run = load_run(id_)
    return taken_along(receipt.table_of(run), form, f"bulk run {run.id}")


@bp.post("/<int:id_>/pause")
@managers_only
def pause(id_: int) -> BaseResponse:
    return _steer(id_, BulkRun.pause)


@bp.post("/<int:id_>/resume")
@managers_only
def resume(id_: int) -> BaseResponse:
    return _steer(id_, BulkRun.resume)


@bp.post("/<int:id_>/cancel")
@managers_only
def cancel(id_: int) -> BaseResponse:
    return _steer(id_, BulkRun.cancel)


@bp.post("/<int:id_>/undo")
@managers_only
def undo(id_: int) -> BaseResponse:
    run = lock_run(id_)
    try:
        undoing = run.undo(current_user)
    except Refused as refused:
        db.session.rollback()
        return _back(id_, str(refused))
    return _begun(undoing)


def question(problem: str = "") -> str:
    shop, verb, selection = current_shop(), _verb(), _selection()
    further = "further" in request.args
    found = preview.effects_of(
        verb, selection, shop, current_user, for_s=preview.FURTHER_S if further else preview.FOR_S
    )
    return render_template(
        "bulk/ask.html",
        verb=verb,
        selection=selection,
        effects=found,
        further=further,
        problem=problem or " ".join(selection.left_out),
        why=request.values.get("why", ""),
        stop_share=request.values.get("stop_share", STOP_SHARE, type=whole),
    )


def run_parts(run: BulkRun) -> dict[str, Any]:
    return {
        "run": run,
        "tallies": receipt.tallies(run),
        "opened": receipt.opened(run) if run.verb.attempts else (),
        "ended": run.state in (RunState.done, RunState.cancelled),
    }


def item_parts(run: BulkRun) -> dict[str, Any]:
    """A page of its items; `coming`: whether they may still become others, or more."""
    state = request.args.get("state", type=ItemState)
    found = receipt.rows(run, state, request.args.get("after", 0, type=whole))
    shown, full = found[: receipt.PAGE], len(found) > receipt.PAGE
    return {
        "state": state,
        "items": shown,
        "after": shown[-1].place if full else None,
        "beyond": "after" in request.args,
        "coming": run.moving and (not full or any(item.to_come for item in shown)),
    }


def _verb() -> Verb:
    verb = request.values.get("verb", type=Verb)
    if verb is None or verb.of_one:
        abort(400)
    return verb


def _selection() -> Selection:
    pairs = [*request.args.items(multi=True), *request.form.items(multi=True)]
    return Selection.read(pairs, current_shop())


def _begun(run: BulkRun) -> BaseResponse:
    db.session.commit()
    ring_bulk()
    return redirect(url_for("bulk.show", id_=run.id), 303)


def _steer(id_: int, verb: Callable[[BulkRun, User], None]) -> BaseResponse:
    run = lock_run(id_)
    try:
        verb(run, current_user)
    except Refused as refused:
        db.session.rollback()
        return _back(id_, str(refused))
    db.session.commit()
    ring_bulk()
    return _back(id_)


def _back(id_: int, problem: str = "") -> BaseResponse:
    if problem:
        flash(problem, "warning")
    return redirect(url_for("bulk.show", id_=id_), 303)
