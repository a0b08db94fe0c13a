"""Who sees what: the one place that decides on 404 and 403. Another shop's things do not exist for a user."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import NoReturn, ParamSpec, TypeVar

from flask import Response, abort, g, redirect, request, session, url_for
from flask_login import current_user
from werkzeug.exceptions import Forbidden

from ..bulk.runs import BulkRun
from ..callbacks.callback import Callback
from ..extensions import db
from ..orders.feed import OrderEvent
from ..orders.order import Order
from ..outgoing.deliveries import Delivery
from ..panel.saved_views import SavedView
from ..shops.accounts import GatewayAccount, Shop
from ..shops.acts import Activity
from ..shops.links import Link
from ..shops.second_factor import SecondFactor
from ..shops.users import Role, User
from ..words import pages
from .refusals import not_theirs

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T", Callback, Order, GatewayAccount, BulkRun, SavedView, OrderEvent, Activity)


def current_shop() -> Shop:
    """The shop the user looks at: `?shop=` says which, or the page that asks (two tabs may show two shops), else the
    session, else it is the first they see. 404 without any.
    """
    if "shop" not in g:
        shops = {shop.slug: shop for shop in current_user.shops}
        by_page = request.args.get("shop") or request.form.get("shop")
        asked = by_page or request.headers.get("X-Shop")
        if asked and asked not in shops:
            not_theirs()
        slug = asked or session.get("shop")
        shop = shops.get(slug) if slug else None
        shop = shop or next(iter(shops.values()), None)
        if shop is None:
            abort(404)
        if (by_page or not asked) and session.get("shop") != shop.slug:
            session["shop"] = shop.slug
        _look_at(shop)
    return g.shop  # type: ignore[no-any-return]


def _look_at(shop: Shop) -> None:
    """The request is about that shop from here on, and the user's role is the one they have there: 403 where that does
    not reach what the view needs.
    """
    g.shop = shop
    current_user.look_at(shop)
    needed = g.get("needed", Role.viewer)
    if not current_user.reaches(needed, shop.id):
        raise RoleLacks.of(needed, shop)
    if shop.needs_second_factor and SecondFactor.of(current_user) is None:
        _set_up_first()


def _set_up_first() -> NoReturn:
    there = url_for("second_factor.show")
    fragment = "HX-Request" in request.headers
    abort(Response(status=403, headers={"HX-Redirect": there}) if fragment else redirect(there, 303))


def load_callback(id_: int) -> Callback:
    return _load(Callback, id_)


def lock_callback(id_: int) -> Callback:
    """The same, fresh and locked until the commit."""
    return Callback.lock(load_callback(id_).id)


def load_order(id_: int) -> Order:
    return _load(Order, id_)


def load_account(id_: int) -> GatewayAccount:
    return _load(GatewayAccount, id_)


def load_run(id_: int) -> BulkRun:
    return _load(BulkRun, id_)


def lock_run(id_: int) -> BulkRun:
    """The same, fresh and locked until the commit."""
    return BulkRun.lock(load_run(id_).id)


def load_view(id_: int) -> SavedView:
    """One of the user's own, else 404."""
    view = _load(SavedView, id_)
    if view.user_id != current_user.id:
        not_theirs()
    return view


def load_delivery(id_: int) -> Delivery:
    delivery = db.session.get(Delivery, id_)
    if delivery is None:
        abort(404)
    _load(OrderEvent, delivery.event_id)
    return delivery


def load_act(id_: int) -> Activity:
    """An act about a callback, else 404."""
    act = _load(Activity, id_)
    if act.callback_id is None:
        abort(404)
    return act


def load_person(id_: int) -> User:
    """Somebody who sees the current shop; an owner finds everybody. Else 404, as for a program: it is nobody."""
    person = db.session.get(User, id_)
    if person is None or person.program:
        abort(404)
    if not current_user.owns and person.role_in(current_shop().id) is None:
        not_theirs()
    return person


def load_invitation(id_: int) -> Link:
    """One to the current shop, or to be an owner where the user is one; else 404."""
    link = db.session.get(Link, id_)
    if link is None:
        abort(404)
    if link not in Link.invitations(current_shop(), current_user.owns):
        not_theirs()
    return link


def _load(kind: type[T], id_: int) -> T:
    """The row; 404 where the user does not see its shop. That becomes the current one."""
    found = db.session.get(kind, id_)
    shop = next((shop for shop in current_user.shops if found is not None and shop.id == found.shop_id), None)
    if found is None:
        abort(404)
    if shop is None:
        not_theirs()
    _look_at(shop)
    return found


class RoleLacks(Forbidden):
    """What is asked for needs another role: `description` says which, and who has it."""

    @classmethod
    def of(cls, needed: Role, shop: Shop) -> RoleLacks:
        return cls(pages.role_lacks(current_user.role, needed, [user.name for user in User.reaching(needed, shop)]))


def managers_only(view: Callable[P, R]) -> Callable[P, R]:
    """403 for viewers: they read only."""
    return _only(Role.manager, view)


def admins_only(view: Callable[P, R]) -> Callable[P, R]:
    """403 for all but those who may set up: admins of the shop it is about, and owners."""
    return _only(Role.admin, view)


def _only(role: Role, view: Callable[P, R]) -> Callable[P, R]:
    """Of a view about one thing the shop is known, and asked, once the thing is loaded: before anything is done."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        g.needed = role
        if not request.view_args:
            _look_at(current_shop())
        return view(*args, **kwargs)

    return guarded
