"""The shop's books to take along: what, and of which days."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, render_template, request
from flask_login import current_user

from ..extensions import db
from ..panel.books import BOOKS
from ..panel.csv import file_name
from ..panel.days import read_day
from ..shops.acts import Activity
from .access import current_shop
from .downloads import csv_file
from .replica import from_replica
from .screens import Shown, now

bp = Blueprint("books", __name__, url_prefix="/books")


@bp.get("")
@from_replica
def index() -> Shown:
    """With a `book`, that one as a file; that somebody took it along is an act. A day that is none is said so."""
    shop, name = current_shop(), request.args.get("book", "")
    try:
        since, until = _day("from"), _day("to")
    except ValueError as error:
        return render_template("books/index.html", problem=str(error)), 422
    if name not in BOOKS:
        return render_template("books/index.html")
    blocks = BOOKS[name](shop, since, until)
    days = " ".join(f"{word} {day}" for word, day in (("from", since), ("to", until)) if day)
    Activity.record("export", current_user, shop_id=shop.id, what=f"{name} {days}".strip())
    db.session.commit()
    return csv_file(blocks, file_name(shop, now(), name))


def _day(name: str) -> date | None:
    text = request.args.get(name, "").strip()
    return read_day(text) if text else None
