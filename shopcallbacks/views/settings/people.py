"""Settings > People: who sees the shop, and as what. All of them read it; admins invite, and change roles.

What is not theirs to do, though the screen has no button for it, comes back as a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from ...bells import ring_outgoing
from ...domain.errors import Refused
from ...extensions import db
from ...outgoing.letters import LinkLetter
from ...shops import people
from ...shops.accounts import Shop
from ...shops.links import Link
from ...shops.second_factor import SecondFactor
from ...shops.sessions import UserSession
from ...shops.users import OF_SHOPS, Role, User
from ..access import admins_only, current_shop, load_invitation, load_person
from ..screens import Shown

bp = Blueprint("people", __name__, url_prefix="/people")


@bp.get("")
def index() -> str:
    return _page()


def _page(**more: Any) -> str:
    shop = current_shop()
    found = [user for user in User.who_see(shop.id) if not user.program]
    return render_template(
        "settings/people/index.html",
        shop=shop,
        found=found,
        last_seen=UserSession.last_seen(user.id for user in found),
        invitations=Link.invitations(shop, current_user.owns) if current_user.may_set_up else [],
        roles=[*OF_SHOPS, *([Role.owner] if current_user.owns else [])],
        mail_works=current_app.extensions["mailer"].server is not None,
        **more,
    )


@bp.post("/invitations")
@admins_only
def invite() -> Shown:
    """By mail where there is a mail server; else with the link, shown once, to be sent by whoever invites."""
    role = request.form.get("role", Role.viewer, type=Role)
    email = request.form.get("email", "")
    try:
        link = people.invite(current_user, email, role, None if role is Role.owner else current_shop())
    except (ValueError, Refused) as error:
        db.session.rollback()
        return _page(problem=str(error), email=email, role=role), 422
    if current_app.extensions["mailer"].server is None:
        address = link.address()
        db.session.commit()
        return _page(fresh=address, invited=link.email)
    LinkLetter.post(link)
    db.session.commit()
    ring_outgoing()
    flash(f"The invitation is on its way to {link.email}.")
    return redirect(url_for("settings.people.index"), 303)


@bp.post("/invitations/<int:id_>/link")
@admins_only
def new_link(id_: int) -> str:
    link = load_invitation(id_)
    address = people.new_address(current_user, link)
    db.session.commit()
    return _page(fresh=address, invited=link.email)


@bp.post("/invitations/<int:id_>/withdrawal")
@admins_only
def withdraw(id_: int) -> Response:
    link = load_invitation(id_)
    people.withdraw(current_user, link)
    db.session.commit()
    flash(f"The invitation of {link.email} is taken back: its link opens nothing any more.")
    return redirect(url_for("settings.people.index"), 303)


@bp.get("/<int:id_>")
@admins_only
def show(id_: int) -> str:
    return _person(load_person(id_))


def _person(person: User, **more: Any) -> str:
    manages = current_user.manages(person)
    return render_template(
        "settings/people/show.html",
        person=person,
        shops=_shops_for(),
        roles=OF_SHOPS,
        manages=manages,
        sessions=UserSession.of(person.id) if manages else [],
        factor=SecondFactor.of(person),
        last_seen=UserSession.last_seen([person.id]).get(person.id),
        **more,
    )


def _shops_for() -> list[Shop]:
    """Those in which the user says who is what."""
    return [shop for shop in current_user.shops if current_user.reaches(Role.admin, shop.id)]


@bp.post("/<int:id_>/rights")
@admins_only
def give(id_: int) -> Shown:
    """A role for each shop that is named; of an owner's form also whether the person is one."""
    person, form = load_person(id_), request.form
    given = {shop: form[name] for shop in _shops_for() if (name := f"role.{shop.slug}") in form}
    if not {*given.values()} <= {"", *OF_SHOPS}:
        abort(400)
    wanted = {shop: Role(role) if role else None for shop, role in given.items()}
    rights, owner, why = {shop: role for shop, role in wanted.items() if role}, "owner" in form, form.get("why", "")

    def do() -> None:
        if owner and not person.owns:
            people.make_owner(current_user, person, why)
        elif person.owns and not owner:
            people.end_ownership(current_user, person, rights, why)
        elif not owner:
            people.give(current_user, person, wanted, why)

    return _do(person, do, f"Saved. {person.name} logs in again.", typed=form)


@bp.post("/<int:id_>/suspension")
@admins_only
def switch_off(id_: int) -> Shown:
    person, why = load_person(id_), request.form.get("why", "")
    return _do(person, lambda: people.switch_off(current_user, person, why), f"{person.name} is switched off.")


@bp.post("/<int:id_>/resumption")
@admins_only
def switch_on(id_: int) -> Shown:
    person = load_person(id_)
    return _do(person, lambda: people.switch_on(current_user, person), f"{person.name} is switched on.")


@bp.post("/<int:id_>/sessions/ending")
@admins_only
def end_sessions(id_: int) -> Shown:
    person = load_person(id_)
    return _do(person, lambda: people.end_sessions(current_user, person), f"{person.name} is logged out everywhere.")


@bp.post("/second-factor")
@admins_only
def demand() -> Response:
    people.demand_second_factor(current_user, current_shop(), "demanded" in request.form)
    db.session.commit()
    flash("Saved.")
    return redirect(url_for("settings.people.index"), 303)


@bp.post("/<int:id_>/second-factor/reset")
@admins_only
def reset_second_factor(id_: int) -> Shown:
    person = load_person(id_)
    said = f"{person.name} logs in with the password alone, and can set up another second factor."
    return _do(person, lambda: people.reset_second_factor(current_user, person), said)


@bp.post("/<int:id_>/password-link")
@admins_only
def password_link(id_: int) -> Shown:
    person = load_person(id_)
    try:
        address = people.password_link(current_user, person)
    except Refused as refused:
        return _person(person, problem=str(refused)), 409
    db.session.commit()
    return _person(person, fresh=address)


def _do(person: User, verb: Callable[[], object], said: str, typed: Mapping[str, str] | None = None) -> Shown:
    """The verb, and back to the person; to the list where they are no longer to be seen. `typed`: what stands in the
    form of rights where it is refused.
    """
    try:
        verb()
    except (ValueError, Refused) as error:
        db.session.rollback()
        return _person(person, problem=str(error), typed=typed), 422 if isinstance(error, ValueError) else 409
    db.session.commit()
    flash(said)
    seen = current_user.owns or person.role_in(current_shop().id) is not None
    return redirect(url_for("settings.people.show", id_=person.id) if seen else url_for("settings.people.index"), 303)
