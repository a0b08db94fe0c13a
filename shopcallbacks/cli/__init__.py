"""The command line: `flask shops|gateways|users|orders|callbacks|requests|secrets|demo ...`, `flask doctor`."""

from __future__ import annotations

from flask import Flask

from .callbacks import callbacks
from .demo import demo
from .doctor import doctor
from .gateways import gateways
from .orders import orders
from .requests import requests
from .secrets import secrets
from .shops import shops
from .users import users

GROUPS = (shops, gateways, users, orders, callbacks, requests, secrets, demo)


def init_app(app: Flask) -> None:
    for group in GROUPS:
        app.cli.add_command(group)
    app.cli.add_command(doctor)
