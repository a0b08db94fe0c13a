"""Settings: the shop's gateway accounts. All read them; admins add, change, and switch them off and on."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, session, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from ...callbacks.refusals import Refusal
from ...dashboard import floods, health, silence
from ...extensions import db
from ...gateways import GATEWAYS
from ...gateways.base import Gateway, Preset
from ...gateways.settings import BadSettings
from ...outgoing import trial
from ...processing import keys
from ...shops import setup
from ...shops.accounts import GatewayAccount, Mode, new_token
from ...words import pages
from .. import first_run
from ..access import admins_only, current_shop, load_account
from ..screens import Shown, now, wants_fragment
from . import form, meeting, picking, prospects, tries

bp = Blueprint("accounts", __name__)


@bp.get("")
def index() -> str:
    shop = current_shop()
    failures_of = {account.id: health.failures(account, now()) for account in shop.accounts}
    found = silence.heard(shop, now())
    steps = None if any(one.last_genuine for one in found) else first_run.steps(shop)
    strays = Refusal.of_shop(shop)
    return render_template(
        "settings/accounts/index.html",
        shop=shop,
        found=found,
        failures_of=failures_of,
        steps=steps,
        strays=strays,
        **_flooded(*shop.accounts),
    )


def _flooded(*accounts: GatewayAccount) -> dict[str, Any]:
    """Those of them that callbacks flood which are not genuine, and how many in an hour are none yet."""
    most = current_app.config["NOT_GENUINE_AN_HOUR"]
    flooded = [account for account in accounts if floods.is_flooded(account, now(), most)]
    return {"flooded": flooded, "most_not_genuine": most}


@bp.get("/gateways/new")
@admins_only
def pick() -> str:
    """Which gateway. With htmx the list alone, while something is typed."""
    asked = request.args.get("q", "").strip()
    template = "settings/accounts/_kinds.html" if wants_fragment() else "settings/accounts/pick.html"
    return render_template(template, shelves=picking.shelves(asked), asked=asked)


def load_gateway(name: str) -> Gateway:
    return GATEWAYS.get(name) or abort(404)


@bp.get("/gateways/new/<name>")
@admins_only
def new(name: str) -> str:
    gateway, preset = load_gateway(name), chosen_preset(load_gateway(name))
    settings = preset.settings if preset else {}
    slug = current_shop().free_slug(gateway.name)
    return render_new(gateway, form.fields(gateway, settings), slug=slug, preset=preset)


def chosen_preset(gateway: Gateway) -> Preset | None:
    """The one by which the form is to be filled in."""
    return next((one for one in gateway.presets if one.key == request.args.get("preset")), None)


@bp.get("/gateways/new/<name>/address")
@admins_only
def coming(name: str) -> str:
    """The address it is going to have, while its part of it is being typed."""
    address = _coming(load_gateway(name), request.args.get("slug", ""))
    return render_template("settings/accounts/_coming.html", address=address)


def render_new(gateway: Gateway, fields: list[form.FormField], slug: str, **more: Any) -> str:
    address = _coming(gateway, slug)
    return render_template(
        "settings/accounts/new.html", gateway=gateway, fields=fields, slug=slug, address=address, **more
    )


def _coming(gateway: Gateway, slug: str) -> str:
    """Gateways want to know the address before they show the secret that an account needs, so its token is kept in the
    session until then.
    """
    token = session.setdefault(_token_of(gateway), new_token())
    return current_shop().callback_url(slug.strip(), token)


def _token_of(gateway: Gateway) -> str:
    return f"token of the next {gateway.name}"


@bp.post("/gateways/new/<name>")
@admins_only
def add(name: str) -> Shown:
    gateway, sent, shop = load_gateway(name), request.form, current_shop()
    slug, title, mode = sent.get("slug", "").strip(), sent.get("title", "").strip(), sent.get("mode", type=Mode)
    if "rows" in sent or "try" in sent:
        tried = tries.run(gateway, sent) if "try" in sent else None
        if tried and wants_fragment():
            return render_template("settings/accounts/_tried.html", tried=tried)
        return render_new(gateway, form.typed(gateway, sent, {}), slug=slug, title=title, mode=mode, tried=tried)
    problems: dict[str, str] = {}
    try:
        given = form.read(gateway, sent, mode is Mode.test)
    except BadSettings as error:
        problems |= error.problems
    try:
        shop.check_free(slug)
    except ValueError as error:
        problems["slug"] = str(error)
    if problems:
        fields = form.typed(gateway, sent, problems)
        return render_new(gateway, fields, slug=slug, title=title, mode=mode, problems=problems), 422
    token = session.pop(_token_of(gateway), "")
    account = setup.connect(shop, name, slug, given, mode or Mode.live, title, current_user, token)
    db.session.commit()
    flash("Added.")
    return redirect(url_for("settings.accounts.show", id_=account.id), 303)


@bp.get("/gateways/<int:id_>")
@admins_only
def show(id_: int) -> str:
    account = load_account(id_)
    preset = chosen_preset(account.gateway)
    settings = {**account.settings, **(preset.settings if preset else {})}
    return render_account(account, form.fields(account.gateway, settings), preset=preset)


@bp.get("/gateways/<int:id_>/numbers")
@admins_only
def numbers(id_: int) -> str:
    """What the pattern that is being typed makes of the order numbers that came last."""
    account = load_account(id_)
    found = meeting.examples(account, request.args.get("number_pattern", ""))
    return render_template("settings/accounts/_numbers.html", account=account, numbers=found)


def render_account(account: GatewayAccount, fields: list[form.FormField], **more: Any) -> str:
    more.setdefault("meets", meeting.typed(account.meeting))
    last_genuine = health.last_genuine(account)
    return render_template(
        "settings/accounts/show.html",
        account=account,
        fields=fields,
        last_genuine=last_genuine,
        call=None if last_genuine else health.own_call(account),
        failures=health.failures(account, now()),
        **_flooded(account),
        refusals=Refusal.of_account(account),
        wrong_calls=pages.WRONG_CALLS,
        has_key_question=bool(keys.questions(account, now())),
        why_no_test=trial.why_not(account, now()),
        passing=prospects.passing(account),
        numbers=meeting.examples(account, more["meets"]["number_pattern"]),
        **more,
    )


@bp.post("/gateways/<int:id_>")
@admins_only
def edit(id_: int) -> Shown:
    account, sent = load_account(id_), request.form
    title, mode = sent.get("title", "").strip(), sent.get("mode", type=Mode) or account.mode
    test = Mode.test in (account.mode, mode)
    typed = {**meeting.typed(account.meeting), **sent}
    if "rows" in sent or "try" in sent:
        tried = tries.run(account.gateway, sent, account) if "try" in sent else None
        if tried and wants_fragment():
            return render_template("settings/accounts/_tried.html", tried=tried)
        fields = form.typed(account.gateway, sent, {})
        return render_account(account, fields, title=title, mode=mode, meets=typed, tried=tried)
    problems: dict[str, str] = {}
    try:
        given = form.read(account.gateway, sent, test, partial(account.with_secrets, test=test))
    except BadSettings as error:
        problems |= error.problems
    if account.mode is Mode.test and mode is Mode.live:
        problems["mode"] = "A test account goes live on a page of its own, with the secrets of the live mode."
    fields = form.typed(account.gateway, sent, problems)

    def change() -> bool:
        return setup.edit(account, given, mode, title, current_user, meets)

    try:
        meets = meeting.read(sent)
    except BadSettings as error:
        problems |= {f"meets.{name}": problem for name, problem in error.problems.items()}
    if "look" in sent and wants_fragment():
        bad = f"This can't be saved yet: {len(problems)} of the fields above can't be right."
        return prospects.shown(bad if problems else prospects.foretold(account, change))
    if problems:
        return render_account(account, fields, title=title, mode=mode, problems=problems, meets=typed), 422
    if "look" in sent:
        told = prospects.foretold(account, change)
        return render_account(account, fields, title=title, mode=mode, meets=typed, foretold=told)
    changed = change()
    db.session.commit()
    flash("Saved." if changed else "Nothing was changed.")
    return redirect(url_for("settings.accounts.show", id_=id_), 303)


@bp.post("/gateways/<int:id_>/suspension")
@admins_only
def suspend(id_: int) -> Response:
    account = load_account(id_)
    try:
        setup.switch_off(account, request.form.get("why", ""), current_user)
    except ValueError as error:
        flash(str(error), "warning")
    db.session.commit()
    return redirect(url_for("settings.accounts.show", id_=id_, _anchor="switch"), 303)


@bp.post("/gateways/<int:id_>/resumption")
@admins_only
def resume(id_: int) -> Response:
    setup.switch_on(load_account(id_), current_user)
    db.session.commit()
    return redirect(url_for("settings.accounts.show", id_=id_, _anchor="switch"), 303)
