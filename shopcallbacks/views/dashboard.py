"""The dashboard: is anything wrong, what is at stake, what to do now."""

from __future__ import annotations

from flask import Blueprint, render_template

bp = Blueprint("dashboard", __name__)


@bp.get("/")
def show() -> str:
    return render_template("dashboard/show.html")


@bp.get("/queue/count")
def count() -> str:
    """The count on the Callbacks tab."""
    return render_template("_count.html")
