"""Logging in and out, and who is logged in."""

from __future__ import annotations

import time
from datetime import timedelta

from flask import Blueprint, current_app, flash, g, jsonify, redirect, render_template, request, session, url_for
from flask_login import current_user, login_user, logout_user
from flask_wtf.csrf import generate_csrf
from sqlalchemy.exc import DBAPIError
from werkzeug.wrappers import Response

from ..extensions import db
from ..shops.acts import FAILED_LOG_IN, LOG_IN, LOG_INS_HELD, Activity
from ..shops.second_factor import SecondFactor
from ..shops.sessions import End, UserSession
from ..shops.tries import CEILING, PASSWORDS, account_key, network, tries
from ..shops.users import User
from ..words.agents import browser
from .devices import device_of, remember
from .typed import clear_session
from .well_formed import own_path

bp = Blueprint("sessions", __name__)

# What open screens ask by themselves: nobody need be there.
FOLLOWING = frozenset(
    "callbacks.news callbacks.row dashboard.count dashboard.first dashboard.gateways dashboard.over "
    "dashboard.undecided dashboard.widget dashboard.worker deliveries.show noting.people "
    "settings.alerts.messages settings.listening.show".split()
)

# Who has given the right password, when, and the mark of it: not logged in before the code.
HALF, HALF_LASTS = "half way", timedelta(minutes=10)


def load_user(id_: str) -> User | None:
    """Whose session it is, for Flask-Login. Asked once a request."""
    found = User.of_session(session.get("token", ""))
    if found is None or str(found[0].id) != id_:
        return None
    user, g.user_session = found
    if request.endpoint not in FOLLOWING and g.user_session.seen():
        keep_seen()
    return user


def keep_seen() -> None:
    """When a user, or a program, was last seen. A store that takes no more must not keep them from looking."""
    try:
        db.session.commit()
    except DBAPIError:
        db.session.rollback()


def begin_session(user: User) -> None:
    """The user is logged in from here on, in this browser."""
    clear_session(user.id)  # whatever else was in it before is not this user's
    session["token"] = UserSession.begin(user.id, request.remote_addr or "", browser(request.user_agent.string))
    login_user(user)
    generate_csrf()  # with the session: two first pages at once would each make one, and the later cookie would win


def end_session() -> None:
    """Nobody is logged in in this browser any more."""
    logout_user()
    session.clear()


def _email() -> str:
    return request.form.get("email", "").strip().lower()


@bp.get("/login")
def show() -> str | Response:
    if current_user.is_authenticated:
        return redirect(own_path(request.args.get("next", "")) or url_for("dashboard.show"), 303)
    return _form(request.args.get("next", ""))


def _form(next_: str, **more: object) -> str:
    provider = current_app.extensions["provider"]
    return render_template("sessions/login.html", email=_email(), next=next_, provider=provider, **more)


@bp.get("/session")
def session_here() -> Response:
    """Who is logged in here now, and the token of their forms: for a page that was open before they logged in. 401:
    nobody.
    """
    if not current_user.is_authenticated:
        return Response(status=401)
    return jsonify(user=str(current_user.id), token=generate_csrf())


@bp.post("/login")
def log_in() -> Response | tuple[str, int] | tuple[str, int, dict[str, str]]:
    email, next_, device = _email(), request.form.get("next", ""), device_of(_email())
    whose = (account_key(email), device or network(request.remote_addr))
    if wait := tries().take(PASSWORDS, *whose) or _wait_for_ceiling(email, device):
        return _form(next_, wait_min=-(-wait // 60)), 429, {"Retry-After": str(wait)}
    user = User.log_in(email, request.form.get("password", ""))
    if user is None:
        here = f" from {request.remote_addr}"
        Activity.record_once(timedelta(minutes=1), FAILED_LOG_IN, User.by_email(email), email[:320] + here, same=here)
        db.session.commit()
        return _form(next_, failed=True), 422
    tries().give_back(PASSWORDS, *whose)
    if not device:
        tries().give_back(CEILING, whose[0])
    return enter(user, next_)


def enter(user: User, next_: str) -> Response:
    """Who has proved to be the user goes in: at once, or by a code where they have a second factor."""
    if SecondFactor.of(user) is None:
        return go_in(user, next_)
    clear_session(user.id)
    session[HALF] = [user.id, int(time.time()), user.password_mark]
    return redirect(url_for("codes.show", next=next_ or None), 303)


def go_in(user: User, next_: str) -> Response:
    """A session begins, and leads to where the user wanted to go."""
    begin_session(user)
    _tell_of_others(user)
    Activity.record(LOG_IN, user, what=f"from {request.remote_addr}")
    db.session.commit()
    answer = redirect(own_path(next_) or url_for("dashboard.show"), 303)
    remember(answer, user.email)
    return answer


def _tell_of_others(user: User) -> None:
    """Once: that the ceiling was reached since they last logged in."""
    last = Activity.latest(user.id, LOG_IN, LOG_INS_HELD)
    if last is not None and last.verb == LOG_INS_HELD:
        flash("Since you last logged in, more than a hundred wrong passwords came for you within an hour.", "warning")


def _wait_for_ceiling(email: str, device: str) -> int:
    """Seconds. A device that is known is not kept waiting by what others try; that it is reached is kept, once."""
    wait = 0 if device else tries().take(CEILING, account_key(email))
    if wait and (user := User.by_email(email)):
        Activity.record_once(timedelta(hours=1), LOG_INS_HELD, user, f"the last from {request.remote_addr}")
        db.session.commit()
    return wait


@bp.post("/logout")
def log_out() -> Response:
    if current_user.is_authenticated:
        g.user_session.end(End.log_out)
        Activity.record("log out", current_user, what=f"from {request.remote_addr}")
        db.session.commit()
    end_session()
    return redirect(url_for("sessions.show"), 303)
