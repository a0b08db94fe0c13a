"""The shop's gateway accounts, and where their gateways call."""

from __future__ import annotations

from flask import Blueprint, render_template

from .access import current_shop

bp = Blueprint("settings", __name__, url_prefix="/settings")


@bp.get("")
def show() -> str:
    return render_template("settings/show.html", shop=current_shop())
