"""The command line: `flask --app app shops|tokens|gateways|users|orders|callbacks|secrets|demo ...`, `flask doctor`."""

from __future__ import annotations

from flask import Flask

from .callbacks import callbacks
from .demo import demo
from .doctor import doctor
from .gateways import gateways
from .orders import orders
from .secrets import secrets
from .shops import shops
from .tokens import tokens
from .users import users

GROUPS = (shops, tokens, gateways, users, orders, callbacks, secrets, demo)


def init_app(app: Flask) -> None:
    for group in GROUPS:
        app.cli.add_command(group)
    app.cli.add_command(doctor)
