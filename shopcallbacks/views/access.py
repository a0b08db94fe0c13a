"""Who sees what: the one place that decides on 404 and 403. Another shop's things do not exist for a user."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import abort, g, request, session
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
from ..shops.users import User
from ..words import pages
from .refusals import not_theirs

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T", Callback, Order, GatewayAccount, BulkRun, SavedView, OrderEvent, Activity)


def current_shop() -> Shop:
    """The shop the user looks at: `?shop=` once, then the session's, else the first they see. 404 without any."""
    if "shop" not in g:
        shops = {shop.slug: shop for shop in current_user.shops}
        asked = request.args.get("shop")
        if asked is not None and asked not in shops:
            not_theirs()
        slug = asked or session.get("shop")
        shop = shops.get(slug) if slug else None
        shop = shop or next(iter(shops.values()), None)
        if shop is None:
            abort(404)
        if session.get("shop") != shop.slug:
            session["shop"] = shop.slug
        g.shop = shop
    return g.shop  # type: ignore[no-any-return]


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


def _load(kind: type[T], id_: int) -> T:
    """The row; 404 where the user does not see its shop. That becomes the current one."""
    found = db.session.get(kind, id_)
    shop = next((shop for shop in current_user.shops if found is not None and shop.id == found.shop_id), None)
    if found is None:
        abort(404)
    if shop is None:
        not_theirs()
    g.shop = shop
    return found


class RoleLacks(Forbidden):
    """What is asked for needs another role: `description` says which, and who has it."""

    @classmethod
    def of(cls, role: str, who: Callable[[Shop], list[User]]) -> RoleLacks:
        return cls(pages.role_lacks(current_user.role, role, [user.name for user in who(current_shop())]))


def managers_only(view: Callable[P, R]) -> Callable[P, R]:
    """403 for viewers: they read only."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        if not current_user.may_act:
            raise RoleLacks.of("manager", User.acting_in)
        return view(*args, **kwargs)

    return guarded


def admins_only(view: Callable[P, R]) -> Callable[P, R]:
    """403 for all but those who may set up: admins, and owners. Of which shops, the loading of things decides."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        if not current_user.may_set_up:
            raise RoleLacks.of("admin", User.setting_up)
        return view(*args, **kwargs)

    return guarded
