"""The blueprints, and what all of them share."""

from __future__ import annotations

from flask import Flask

from . import (
    activity,
    api,
    callbacks,
    dashboard,
    deliveries,
    health,
    ingest,
    noting,
    orders,
    preferences,
    saved_views,
    screens,
    sessions,
    settings,
    verbs,
)
from . import bulk as bulk  # these three add to the blueprint of the callbacks
from . import clusters as clusters
from . import evidence as evidence
from . import settings_alerts as settings_alerts  # these add to the blueprint of the settings
from . import settings_endpoint as settings_endpoint
from . import settings_secrets as settings_secrets
from . import settings_tests as settings_tests
from . import undoing as undoing  # and this one to that of the acts

BLUEPRINTS = (
    ingest.bp,
    api.bp,
    health.bp,
    sessions.bp,
    dashboard.bp,
    callbacks.bp,
    verbs.bp,
    noting.bp,
    orders.bp,
    deliveries.bp,
    activity.bp,
    settings.bp,
    preferences.bp,
    saved_views.bp,
)


def init_app(app: Flask) -> None:
    app.url_map.converters["int"] = screens.Id
    for bp in BLUEPRINTS:
        app.register_blueprint(bp)
    screens.init_app(app)
