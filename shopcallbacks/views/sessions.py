"""Logging in and out."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask_login import current_user, login_user, logout_user
from werkzeug.wrappers import Response

from ..extensions import db, limiter
from ..shops.acts import FAILED_LOG_IN, Activity
from ..shops.users import User
from .well_formed import own_path

bp = Blueprint("sessions", __name__)

TRIES, FAILED = "10 per minute", 422


def _email() -> str:
    return request.form.get("email", "").strip().lower()


@bp.get("/login")
def show() -> str | Response:
    if current_user.is_authenticated:
        return redirect(url_for("dashboard.show"), 303)
    return render_template("sessions/login.html", email="", next=request.args.get("next", ""))


def _failed(response: Response) -> bool:
    """Only failures count: a shop's managers often share one address."""
    return response.status_code == FAILED


@bp.post("/login")
@limiter.limit(TRIES, deduct_when=_failed)
@limiter.limit(TRIES, key_func=lambda: f"e-mail {_email()}", deduct_when=_failed)
def log_in() -> Response | tuple[str, int]:
    user = User.log_in(_email(), request.form.get("password", ""))
    next_ = request.form.get("next", "")
    if user is None:
        Activity.record(FAILED_LOG_IN, User.by_email(_email()), what=f"{_email()[:320]} from {request.remote_addr}")
        db.session.commit()
        return render_template("sessions/login.html", email=_email(), next=next_, failed=True), FAILED
    session.clear()  # whatever was in it before is not this user's
    login_user(user)
    Activity.record("log in", user, what=f"from {request.remote_addr}")
    db.session.commit()
    return redirect(own_path(next_) or url_for("dashboard.show"), 303)


@bp.post("/logout")
def log_out() -> Response:
    if current_user.is_authenticated:
        Activity.record("log out", current_user, what=f"from {request.remote_addr}")
        db.session.commit()
    logout_user()
    session.clear()
    return redirect(url_for("sessions.show"), 303)
