"""The blueprints, and what all of them share."""

from __future__ import annotations

from flask import Flask

from . import api, ingest

BLUEPRINTS = (
    ingest.bp,
    api.bp,
)


def init_app(app: Flask) -> None:
    for bp in BLUEPRINTS:
        app.register_blueprint(bp)
