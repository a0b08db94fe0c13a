"""shopcallbacks keeps every payment callback of a shop, processes it against orders, and shows the rest to a person."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from . import cli, config, logs, views
from .bells import Bell
from .extensions import compress, csrf, db, let_go, login_manager, migrate
from .outgoing.http import Outgoing
from .outgoing.mail import Mailer
from .outgoing.mark import Mark
from .processing.asking import AskGateways
from .receiving import door
from .shops.counters import Counters
from .shops.pace import Pace
from .shops.provider import Provider
from .shops.tries import Tries

ROOT = Path(__file__).parent.parent


def create_app(environ: Mapping[str, str] = os.environ, **overrides: Any) -> Flask:
    """The app, from settings in the environment; `ConfigError` with sentences where one is missing or bad."""
    app = Flask(__name__, template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"))
    app.config.from_mapping(config.read(environ))
    app.config.update(overrides)
    logs.init_app(app.config["LOG_FORMAT"])
    db.init_app(app)
    app.teardown_appcontext(let_go)  # before the session's own, which would raise
    migrate.init_app(app, db, directory=str(ROOT / "migrations"))
    csrf.init_app(app)
    compress.init_app(app)
    login_manager.init_app(app)
    bell = app.extensions["bell"] = Bell(app.config["REDIS_URL"])
    app.extensions["mark"] = Mark(bell.redis)
    counters = app.extensions["counters"] = Counters(app.config["REDIS_URL"])
    app.extensions["tries"] = Tries(counters)
    app.extensions["pace"] = Pace(counters, app.config["API_PER_MINUTE"])
    app.extensions["ask"] = AskGateways(app.config["GATEWAY_HOSTS"])
    app.extensions["outgoing"] = Outgoing(app.config["OUTGOING_ALLOW_HTTP"], app.config["OUTGOING_ALLOW_PRIVATE"])
    app.extensions["mailer"] = Mailer(app.config["SMTP_SERVER"], app.config["MAIL_FROM"])
    app.extensions["provider"] = Provider(app, app.config["OPEN_ID"]) if app.config["OPEN_ID"] else None
    door.init_app(app)
    if hops := app.config["TRUSTED_HOPS"]:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    views.init_app(app)
    cli.init_app(app)
    return app
