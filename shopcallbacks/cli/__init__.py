"""The command line: `flask --app app shops|gateways|users|orders|callbacks|secrets|demo ...`, `flask doctor`."""

from __future__ import annotations

from flask import Flask

from .demo import demo
from .doctor import doctor
from .gateways import gateways
from .moving_in import callbacks, orders
from .secrets import secrets
from .shops import shops
from .users import users

GROUPS = (shops, gateways, users, orders, callbacks, secrets, demo)


def init_app(app: Flask) -> None:
    for group in GROUPS:
        app.cli.add_command(group)
    app.cli.add_command(doctor)
