"""The blueprints, and what all of them share."""

from __future__ import annotations

from flask import Flask

from . import ingest

BLUEPRINTS = (ingest.bp,)


def init_app(app: Flask) -> None:
    for bp in BLUEPRINTS:
        app.register_blueprint(bp)
