"""Who sees what: the one place that decides on 404 and 403. Another shop's things do not exist for a user."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import abort, g, request, session
from flask_login import current_user

from ..activity import Activity
from ..bulk import BulkRun
from ..callbacks import Callback
from ..deliveries import Delivery
from ..extensions import db
from ..orders import Order
from ..saved_views import SavedView
from ..shops import GatewayAccount, Shop

P = ParamSpec("P")
R = TypeVar("R")


def current_shop() -> Shop:
    """The shop the user looks at: `?shop=` once, then the session's, else the first they see. 404 without any."""
    if "shop" not in g:
        shops = {shop.slug: shop for shop in current_user.shops}
        asked = request.args.get("shop")
        if asked is not None and asked not in shops:
            abort(404)
        slug = asked or session.get("shop")
        shop = shops.get(slug) if slug else None
        shop = shop or next(iter(shops.values()), None)
        if shop is None:
            abort(404)
        session["shop"] = shop.slug
        g.shop = shop
    return g.shop  # type: ignore[no-any-return]


def _sees(shop_id: int) -> bool:
    return any(shop.id == shop_id for shop in current_user.shops)


def load_callback(id_: int) -> Callback:
    """The callback, 404 where the user does not see its shop. Its shop becomes the current one."""
    callback = db.session.get(Callback, id_)
    if callback is None or not _sees(callback.shop_id):
        abort(404)
    g.shop = callback.account.shop
    return callback


def lock_callback(id_: int) -> Callback:
    """The same, fresh and locked until the commit."""
    return Callback.lock(load_callback(id_).id)


def load_order(id_: int) -> Order:
    """The order, 404 where the user does not see its shop."""
    order = db.session.get(Order, id_)
    if order is None or not _sees(order.shop_id):
        abort(404)
    g.shop = db.session.get_one(Shop, order.shop_id)
    return order


def load_delivery(id_: int) -> Delivery:
    """The delivery, 404 where the user does not see its shop. Its shop becomes the current one."""
    delivery = db.session.get(Delivery, id_)
    if delivery is None or not _sees(delivery.event.shop_id):
        abort(404)
    g.shop = db.session.get_one(Shop, delivery.event.shop_id)
    return delivery


def load_account(id_: int) -> GatewayAccount:
    """The gateway account, 404 where the user does not see its shop. Its shop becomes the current one."""
    account = db.session.get(GatewayAccount, id_)
    if account is None or not _sees(account.shop_id):
        abort(404)
    g.shop = account.shop
    return account


def load_act(id_: int) -> Activity:
    """An act about a callback, 404 where the user does not see its shop."""
    act = db.session.get(Activity, id_)
    if act is None or act.callback_id is None or act.shop_id is None or not _sees(act.shop_id):
        abort(404)
    return act


def load_view(id_: int) -> SavedView:
    """The saved view, 404 where it is not the user's own. Its shop becomes the current one."""
    view = db.session.get(SavedView, id_)
    if view is None or view.user_id != current_user.id or not _sees(view.shop_id):
        abort(404)
    g.shop = db.session.get_one(Shop, view.shop_id)
    return view


def load_run(id_: int) -> BulkRun:
    """The bulk run, 404 where the user does not see its shop. Its shop becomes the current one."""
    run = db.session.get(BulkRun, id_)
    if run is None or not _sees(run.shop_id):
        abort(404)
    g.shop = run.shop
    return run


def lock_run(id_: int) -> BulkRun:
    """The same, fresh and locked until the commit."""
    run = load_run(id_)
    BulkRun.lock(run.id)
    return run


def managers_only(view: Callable[P, R]) -> Callable[P, R]:
    """403 for viewers: they read only."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        if not current_user.may_act:
            abort(403)
        return view(*args, **kwargs)

    return guarded


def admins_only(view: Callable[P, R]) -> Callable[P, R]:
    """403 for all but admins."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        if not current_user.may_set_up:
            abort(403)
        return view(*args, **kwargs)

    return guarded
