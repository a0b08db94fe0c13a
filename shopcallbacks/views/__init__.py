"""The blueprints, and what all of them share."""

from __future__ import annotations

from flask import Flask

from ..receiving import door
from . import (
    activity,
    api,
    bulk,
    callbacks,
    codes,
    dashboard,
    deliveries,
    downloads,
    health,
    help,
    invitations,
    orders,
    passwords,
    preferences,
    provider,
    proxies,
    refusals,
    replica,
    screens,
    search,
    second_factor,
    sessions,
    settings,
    statement,
    well_formed,
)

BLUEPRINTS = (
    door.bp,
    *api.BLUEPRINTS,
    health.bp,
    sessions.bp,
    codes.bp,
    invitations.bp,
    passwords.bp,
    provider.bp,
    dashboard.bp,
    *callbacks.BLUEPRINTS,
    bulk.bp,
    orders.bp,
    statement.bp,
    downloads.bp,
    deliveries.bp,
    search.bp,
    activity.bp,
    settings.bp,
    preferences.bp,
    second_factor.bp,
    help.bp,
)


def init_app(app: Flask) -> None:
    app.url_map.converters |= {"int": screens.Id, "path": screens.Rest}
    app.url_map.merge_slashes = False  # "/5" and "5" are two orders
    for bp in BLUEPRINTS:
        app.register_blueprint(bp)
    well_formed.init_app(app)
    screens.init_app(app)
    replica.init_app(app)
    refusals.init_app(app)
    proxies.init_app(app)
