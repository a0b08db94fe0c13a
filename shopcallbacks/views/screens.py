"""What every screen shares: the log-in before it, the words in it, the headers on it, and the page instead of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, redirect, request, url_for
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from gunicorn.http.errors import NoMoreData, ParseException
from sqlalchemy.exc import InterfaceError, OperationalError, TimeoutError
from werkzeug.exceptions import BadRequest, HTTPException, ServiceUnavailable
from werkzeug.routing import IntegerConverter, Map
from werkzeug.wrappers import Response as BaseResponse

from ..dashboard import causes, queue, silence
from ..domain.errors import Busy
from ..extensions import login_manager, utcnow
from ..panel import headline
from ..shops.preferences import Preferences
from ..shops.users import User
from ..words import acts, outcomes, pages
from ..words.formats import Format, age
from .access import current_shop

# The blueprints that answer without a log-in. Whatever is not named here needs one.
OPEN = frozenset({"ingest", "api", "health", "sessions"})
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}


def init_app(app: Flask) -> None:
    login_manager.user_loader(User.active_by_id)
    app.before_request(need_log_in)
    app.after_request(add_headers)
    app.register_error_handler(HTTPException, http_page)
    app.register_error_handler(Busy, busy)
    for broken in (ParseException, NoMoreData):
        app.register_error_handler(broken, broken_body)
    for away in (OperationalError, InterfaceError, TimeoutError):
        app.register_error_handler(away, store_away)
    app.jinja_env.globals.update(current_shop=current_shop, waiting_count=waiting_count, now=now)
    app.jinja_env.globals.update(prefers=prefers, order_states=outcomes.ORDER_STATES, verdicts=outcomes.VERDICTS)
    app.jinja_env.globals.update(worker_gone=worker_gone)
    app.jinja_env.globals.update(tomorrow=lambda: now() + timedelta(days=1))
    app.jinja_env.filters.update(
        in_words=lambda group: causes.group_words(group, now(), written()),
        next_step=causes.next_step,
        rate=lambda per_hour: pages.rate(per_hour, written()),
        silent=lambda heard: silence.silent(heard, written()),
        headline=headline.headline,
        event_words=lambda event: outcomes.event(event.kind),
        act=lambda verb: acts.ACTS.get(verb, verb),
        letters=pages.letters,
        # as the reader likes times and numbers
        money=lambda value: written().money(value),
        number=lambda value: written().number(value),
        counted=lambda count, *nouns: written().counted(count, *nouns),
        percent=lambda share: written().percent(share),
        span=lambda length: written().span(length),
        age=lambda moment: age(moment, now()),
        day=lambda day: written().day(day),
        moment=lambda moment: written().moment(moment, now()),
        when=lambda moment: written().when(moment, now()),
        exact=lambda moment: written().full(moment),
        clock=lambda moment, pattern="": written().clock(moment, pattern),
        # as a field for a time in the shop's zone has it
        local_field=lambda moment: Format(current_shop().time_zone).clock(moment, "y-MM-dd'T'HH:mm"),
    )


def worker_gone(seen: datetime | None, at: datetime, due: int, redis: bool) -> str:
    return pages.worker_gone(seen, at, due, redis, written())


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
    number = int(text)
    if not 0 <= number < 2**63:
        raise ValueError(text)
    return number


class Id(IntegerConverter):
    """Of addresses: what is too large to be an id is no address at all."""

    def __init__(self, url_map: Map, **options: Any) -> None:
        super().__init__(url_map, max=2**63 - 1, **options)


def now() -> datetime:
    """The same moment for all of a page."""
    if "now" not in g:
        g.now = utcnow()
    return g.now  # type: ignore[no-any-return]


def waiting_count() -> int:
    """How many callbacks wait for a person in the current shop, asked once a page."""
    if "waiting_count" not in g:
        g.waiting_count = queue.count(current_shop().id, now())
    return g.waiting_count  # type: ignore[no-any-return]


def wants_fragment() -> bool:
    """htmx asks for a part of a page. A page it restores from history is a page."""
    return "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers


def need_log_in() -> BaseResponse | None:
    """The one gate of all screens."""
    if request.endpoint in (None, "static") or request.blueprint in OPEN or current_user.is_authenticated:
        return None
    if wants_fragment():  # the page it sits in is what to come back to
        here = urlsplit(request.headers.get("HX-Current-URL", "")).path
        return Response(status=401, headers={"HX-Redirect": url_for("sessions.show", next=here)})
    here = request.full_path.rstrip("?") if request.method == "GET" else "/"
    return redirect(url_for("sessions.show", next=here if here != "/" else None), 303)


def add_headers(response: Response) -> Response:
    """Nothing from elsewhere, nothing in a frame, nothing kept but what never changes."""
    if request.blueprint == "ingest":
        return response
    response.headers.update(HEADERS)
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
        response.vary.add("HX-Request")
    elif request.path.startswith("/static/vendor/"):  # named with its version
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def http_page(error: HTTPException) -> BaseResponse:
    """A calm page for whatever went wrong; to htmx only the sentence, for the page's own place for trouble."""
    told = error.get_response()
    if request.blueprint == "ingest" or error.response is not None:
        return told
    title, sentence = pages.TROUBLE.get(told.status_code) or pages.TROUBLE[400 if told.status_code < 500 else 500]
    if isinstance(error, CSRFError):
        title, sentence = pages.STALE_FORM
    if isinstance(error, TooBusy):
        title, sentence = pages.BUSY
    if wants_fragment():
        told.headers.update({"HX-Retarget": "#trouble", "HX-Reswap": "textContent"})
        told.set_data(sentence)
    else:  # not by render_template: that asks for the user, and the database may be away
        told.set_data(current_app.jinja_env.get_template("errors/page.html").render(title=title, sentence=sentence))
    return told


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
    current_app.logger.error("The database is away: %s", error)
    return http_page(ServiceUnavailable(retry_after=30))
