"""The command line: `flask shops|tokens|gateways|users|orders|callbacks|requests|secrets|demo|doctor|restored`."""

from __future__ import annotations

from flask import Flask

from .demo import demo
from .doctor import doctor
from .gateways import gateways
from .moving_in import callbacks, orders
from .requests import requests
from .restored import restored
from .secrets import secrets
from .shops import shops
from .tokens import tokens
from .users import users

GROUPS = (shops, tokens, gateways, users, orders, callbacks, requests, secrets, demo)


def init_app(app: Flask) -> None:
    for group in GROUPS:
        app.cli.add_command(group)
    app.cli.add_command(doctor)
    app.cli.add_command(restored)
