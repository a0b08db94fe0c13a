"""What every screen shares: the log-in before it, the words in it, the headers on it, and the page instead of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, Response, current_app, g, redirect, request, url_for
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from gunicorn.http.errors import NoMoreData, ParseException
from psycopg.errors import ReadOnlySqlTransaction
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError, SQLAlchemyError, TimeoutError
from werkzeug.exceptions import BadRequest, HTTPException, ServiceUnavailable
from werkzeug.routing import IntegerConverter, Map, PathConverter
from werkzeug.wrappers import Response as BaseResponse

from ..bells import bell
from ..clock import utcnow
from ..dashboard import causes, glance, queue, silence
from ..dashboard.glance import Glance
from ..dashboard.pulse import Pulse, is_alive
from ..domain.errors import Busy
from ..domain.states import Verb
from ..domain.values import read_id
from ..extensions import login_manager
from ..logs import named
from ..outgoing.mark import mark
from ..panel import headline
from ..receiving import door
from ..release import VERSION
from ..shops.preferences import Preferences
from ..words import acts, outcomes, pages
from ..words.formats import Format, age
from ..words.reasons import NextStep
from . import problems, refusals
from .access import RoleLacks, current_shop
from .sessions import load_user
from .typed import keep, typed_before
from .well_formed import path_here

# What a view gives: a page, a page with a status, or a whole answer.
Shown = str | BaseResponse | tuple[str, int]
# The blueprints that answer without a log-in. Whatever is not named here needs one.
OPEN = frozenset(
    {door.bp.name, "api", "api_document", "health", "sessions", "codes", "invitations", "passwords", "provider"}
)
STORE_AWAY = "The database is away for now: nothing was taken. Please send it again."
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def init_app(app: Flask) -> None:
    login_manager.user_loader(load_user)
    app.before_request(need_log_in)
    app.after_request(add_headers)
    app.register_error_handler(HTTPException, http_page)
    app.register_error_handler(Busy, busy)
    for broken in (ParseException, NoMoreData):
        app.register_error_handler(broken, broken_body)
    for away in (OperationalError, InterfaceError, TimeoutError):
        app.register_error_handler(away, store_away)
    app.register_error_handler(InternalError, store_reads_only)
    app.jinja_env.globals.update(GLOBALS)
    app.jinja_env.filters.update(FILTERS)


def worker_gone(seen: datetime | None, at: datetime, due: int, redis: bool) -> str:
    return pages.worker_gone(seen, at, due, redis, written())


def worker_missing() -> str:
    """A sentence for the top of a page while no worker is seen; empty while one is."""
    seen = Pulse.last()
    if is_alive(seen, now()):
        return ""
    return worker_gone(seen, now(), queue.due(current_shop().id, now()), bell().alive)


def older_back_up() -> str:
    """A sentence for the top of a page where an older back-up was put back; empty where none was."""
    return pages.OLDER_BACK_UP if mark().missing() else ""


def prefers() -> Preferences:
    """What the reader likes, read once a page."""
    if "prefers" not in g:
        g.prefers = current_user.prefers
    return g.prefers  # type: ignore[no-any-return]


def written() -> Format:
    """How the reader of this page likes times and numbers, once the page's shop is known."""
    if "written" not in g:
        g.written = prefers().format(current_shop().time_zone)
    return g.written  # type: ignore[no-any-return]


def whole(text: str) -> int:
    """A number that an id or a place can be; `ValueError` for any other, which an address is then without."""
    found = read_id(text)
    if found is None:
        raise ValueError(text)
    return found


class Id(IntegerConverter):
    """Of addresses: what is too large to be an id is no address at all."""

    def __init__(self, url_map: Map, **options: Any) -> None:
        super().__init__(url_map, max=2**63 - 1, **options)


class Rest(PathConverter):
    """Of addresses: whatever comes, also where it begins with a slash."""

    regex, part_isolating = ".+?", False


def now() -> datetime:
    """The same moment for all of a page."""
    if "now" not in g:
        g.now = utcnow()
    return g.now  # type: ignore[no-any-return]


def glanced(by: Callable[[int, datetime], Glance] = glance.look) -> Glance:
    """At the queue of the current shop, once a page."""
    if "glance" not in g:
        g.glance = by(current_shop().id, now())
    return g.glance  # type: ignore[no-any-return]


def waiting_count() -> int:
    """How many callbacks wait for a person in the current shop, asked once a page."""
    if "waiting_count" not in g:
        g.waiting_count = glanced().count if "glance" in g else queue.count(current_shop().id, now())
    return g.waiting_count  # type: ignore[no-any-return]


def step_for(step: NextStep) -> NextStep:
    """The next step as the reader can take it: what is to be put right is an admin's."""
    if not step.mends or current_user.may_set_up:
        return step
    return NextStep.ask_admin if current_user.may_act else NextStep.see_why


# What every template can ask for.
GLOBALS: dict[str, Any] = {
    "current_shop": current_shop,
    "waiting_count": waiting_count,
    "now": now,
    "tomorrow": lambda: now() + timedelta(days=1),
    "prefers": prefers,
    "worker_gone": worker_gone,
    "worker_missing": worker_missing,
    "older_back_up": older_back_up,
    "version": VERSION,
    "typed_before": typed_before,
    "order_states": outcomes.ORDER_STATES,
    "verdicts": outcomes.VERDICTS,
    "Verb": Verb,
    "NextStep": NextStep,
    "verbs": acts.VERBS,
}
FILTERS: dict[str, Any] = {
    "in_words": lambda group: causes.group_words(group, now(), written()),
    "next_step": causes.next_step,
    "usually": lambda per_hour: pages.usually(per_hour, written()),
    "silent": lambda heard: silence.silent(heard, written()),
    "headline": headline.headline,
    "step_words": step_for,
    "event_words": lambda event: outcomes.event(event.kind),
    "act": lambda verb: acts.ACTS.get(verb, verb),
    # as the reader likes times and numbers
    "money": lambda value: written().money(value),
    "number": lambda value: written().number(value),
    "counted": lambda count, *nouns: written().counted(count, *nouns),
    "percent": lambda share: written().percent(share),
    "span": lambda length: written().span(length),
    "age": lambda moment: age(moment, now()),
    "day": lambda day: written().day(day),
    "moment": lambda moment: written().moment(moment, now()),
    "when": lambda moment: written().when(moment, now()),
    "exact": lambda moment: written().full(moment),
    "clock": lambda moment, pattern="": written().clock(moment, pattern),
    # by the clock of the shop, wherever the reader is
    "shop_clock": lambda moment, pattern: replace(written(), zone=current_shop().time_zone).clock(moment, pattern),
    # as a field for a time in the shop's zone has it
    "local_field": lambda moment: Format(current_shop().time_zone).clock(moment, "y-MM-dd'T'HH:mm"),
}


def wants_fragment() -> bool:
    """htmx asks for a part of a page. A page it restores from history is a page."""
    return "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers


def need_log_in() -> BaseResponse | None:
    """The one gate of all screens."""
    if request.endpoint in (None, "static") or request.blueprint in OPEN or current_user.is_authenticated:
        return None
    if wants_fragment():  # the page it sits in stays, with what was typed
        return Response(pages.LOGGED_OUT, 401, content_type="text/plain; charset=utf-8")
    here = request.full_path.rstrip("?") if request.method == "GET" else path_here(request.referrer or "")
    if request.method == "POST" and here != "/":
        keep(here)
    return redirect(url_for("sessions.show", next=here if here != "/" else None), 303)


def add_headers(response: Response) -> Response:
    """Nothing from elsewhere, nothing in a frame, nothing kept but what never changes."""
    response.headers.update(HEADERS)
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers.update(door.HTTPS_ONLY)
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
        response.vary.add("HX-Request")
    elif request.path.startswith("/static/vendor/"):  # named with its version
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def http_page(error: HTTPException) -> BaseResponse:
    """A calm page for whatever went wrong; to htmx only the sentence, which static/refused.js says."""
    told = error.get_response()
    if request.blueprint == door.bp.name or error.response is not None:
        return told
    if problems.wanted():
        return problems.problem_of(error)
    if isinstance(error, CSRFError) and _logged_out() and (way := need_log_in()):
        refusals.mark()
        return way
    title, sentence = pages.TROUBLE.get(told.status_code) or pages.TROUBLE[400 if told.status_code < 500 else 500]
    if isinstance(error, CSRFError):
        refusals.mark()
        title, sentence = pages.STALE_FORM
    if isinstance(error, RoleLacks):
        sentence = error.description or sentence
    if isinstance(error, TooBusy):
        title, sentence = pages.BUSY
    if wants_fragment():
        told.content_type = "text/plain; charset=utf-8"
        if isinstance(error, CSRFError):
            told.headers["HX-Trigger"] = "stale"
        told.set_data(sentence if told.status_code >= 500 else f"{title}. {sentence}")
    else:  # not by render_template: that asks for the user, and the database may be away; and without any url_for
        told.set_data(current_app.jinja_env.get_template("errors/page.html").render(title=title, sentence=sentence))
    return told


def _logged_out() -> bool:
    """Nobody knows while the database is away."""
    try:
        return not current_user.is_authenticated
    except SQLAlchemyError:
        return False


class TooBusy(ServiceUnavailable):
    """Others are being served just now."""


def busy(error: Exception) -> BaseResponse:
    """503, and to come again in a few seconds."""
    return http_page(TooBusy(retry_after=5))


def broken_body(error: Exception) -> BaseResponse:
    """A body that is not what HTTP calls one is the client's fault."""
    return http_page(BadRequest())


def store_away(error: Exception) -> BaseResponse:
    """The database does not answer: 503, with what still holds."""
    current_app.logger.error("The database is away: %s", named(error))
    return http_page(ServiceUnavailable(STORE_AWAY if problems.wanted() else None, retry_after=30))


def store_reads_only(error: InternalError) -> BaseResponse:
    """It takes no writes, as a standby does: away, for whoever writes. Any other of these errors is our own."""
    if not isinstance(error.orig, ReadOnlySqlTransaction):
        raise error
    return store_away(error)
