"""The shop's orders."""

from __future__ import annotations

from flask import Blueprint, render_template

from .access import load_order

bp = Blueprint("orders", __name__, url_prefix="/orders")


@bp.get("")
def index() -> str:
    return render_template("orders/index.html")


@bp.get("/<int:id_>")
def show(id_: int) -> str:
    return render_template("orders/show.html", order=load_order(id_))
