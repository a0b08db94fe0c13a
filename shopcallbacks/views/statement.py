"""The shop's statement of a day or a month, what is behind each of its figures, and the same to take along."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, render_template, request

from ..panel.statement import PAGE, Figure, Period, Statement
from ..words.statement import FIGURES
from .access import current_shop
from .downloads import taken_along
from .screens import Shown, now, whole

bp = Blueprint("statement", __name__, url_prefix="/statement")


@bp.get("")
def show() -> Shown:
    """A period that is none is said so, beside this month's."""
    problem = ""
    try:
        statement = _statement()
    except ValueError as error:
        statement, problem = _of(Period.month(_today())), str(error)
    page = render_template(
        "statement/show.html",
        statement=statement,
        asked=asked_for(statement),
        today=Period.day(_today()),
        month=Period.month,
        figures=FIGURES,
        problem=problem,
    )
    return (page, 422) if problem else page


@bp.get("/behind/<figure>")
def behind(figure: str) -> str:
    """The bookings, or the orders that owe, that one figure of one currency is made of."""
    statement, after = _found(), request.args.get("after", 0, type=whole)
    if figure not in list(Figure) or not statement.currency:
        abort(404)
    found = statement.behind(Figure(figure), statement.currency, after)
    return render_template(
        "statement/behind.html",
        statement=statement,
        asked=asked_for(statement),
        figure=figure,
        figures=FIGURES,
        rows=found[:PAGE],
        more=len(found) > PAGE,
        after=after,
    )


@bp.get("/csv", defaults={"form": "csv"})
@bp.get("/xlsx", defaults={"form": "xlsx"})
def download(form: str) -> Response:
    statement = _found()
    said = " ".join(f"{name} {value}" for name, value in asked_for(statement).items())
    return taken_along(statement.table, form, f"statement {said}")


def asked_for(statement: Statement) -> dict[str, str]:
    """Its part of an address."""
    more = {"account": statement.account.slug if statement.account else "", "currency": statement.currency}
    return statement.period.pairs | {name: value for name, value in more.items() if value}


def _found() -> Statement:
    try:
        return _statement()
    except ValueError:
        abort(404)


def _statement() -> Statement:
    day, month = (request.args.get(name, "").strip() for name in ("day", "month"))
    return _of(Period.read(day, month, _today()))


def _of(period: Period) -> Statement:
    shop, slug = current_shop(), request.args.get("account", "")
    account = next((account for account in shop.accounts if account.slug == slug), None)
    if slug and account is None:
        abort(404)
    return Statement(shop, period, account, request.args.get("currency", "").strip().upper()[:3].replace("\x00", ""))


def _today() -> date:
    return now().astimezone(ZoneInfo(current_shop().time_zone)).date()
