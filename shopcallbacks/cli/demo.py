"""The demo shops: seeded into an empty database, with secrets made up on the spot."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

import click
import flask_migrate
from flask import current_app
from flask.cli import AppGroup

from ..clock import utcnow
from ..config import is_local
from ..extensions import db
from ..shops.accounts import GatewayAccount, Shop
from ..shops.tokens import USUAL, ApiToken
from ..shops.users import Role, User, hash_password
from .base import plain_errors

USERS = (
    ("admin@demo.example", "Ada Admin", Role.admin, "demo-admin"),
    ("manager@demo.example", "Dana Manager", Role.manager, "demo-manager"),
    ("viewer@demo.example", "Vic Viewer", Role.viewer, "demo-viewer"),
)


def _settings() -> dict[str, dict[str, dict[str, Any]]]:
    """The gateway accounts of each shop. Courses are paid in parts; by Razorpay nobody pays any more."""
    return {
        "demo": {
            "stripe": {"signing_secrets": [f"whsec_{secrets.token_urlsafe(24)}"]},
            "paypal_ipn": {"receiver_emails": ["paypal@demo.example"], "environment": "live", "order_field": "invoice"},
            "liqpay": {
                "public_key": f"i{secrets.randbelow(10**11):011}",
                "private_keys": [secrets.token_urlsafe(30)],
            },
            "checkoutcom": {"signature_keys": [secrets.token_urlsafe(27)], "authorised": "pending"},
            "razorpay": {"webhook_secrets": [secrets.token_urlsafe(18)], "order_note": "shop_order"},
        },
        "courses": {"postfinance": {"pspid": "democourses", "sha_out": [secrets.token_urlsafe(15)]}},
    }


SHOPS = {"demo": "Demo shop", "courses": "Demo courses"}
CURRENCIES = {"liqpay": "UAH", "postfinance": "CHF", "razorpay": "INR"}
CLOSED = "razorpay"
RETIRES = ("stripe",)  # has a secret that is no longer in use


def seed(write: Path) -> None:
    """Does nothing to a database that has shops; `write` gets the API tokens and the accounts, for the traffic."""
    if Shop.every():
        return
    known = [account for slug, settings in _settings().items() for account in _add_shop(slug, settings)]
    shops = list(Shop.every())
    for email, name, role, password in USERS:
        user = User.add(email, name, role, None, shops)
        user.password_hash = hash_password(password)  # everybody knows it: no user of a real shop could have it
    write.parent.mkdir(parents=True, exist_ok=True)
    write.touch(mode=0o600)
    write.write_text(json.dumps({"accounts": known}, indent=1))


def _add_shop(slug: str, settings: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Its accounts, as the traffic reads them (`dev.stories.Account`)."""
    shop = Shop.add(slug, SHOPS[slug], "Europe/Vienna")
    shop.parts = slug == "courses"
    accounts = [GatewayAccount.add(shop, name, name.replace("_", "-"), given) for name, given in settings.items()]
    db.session.flush()
    _, token = ApiToken.add(shop, "demo shop", USUAL, None)
    return [
        {
            "gateway": account.gateway_name,
            "slug": account.slug,
            "path": account.callback_path,
            "url": account.callback_url,
            "api_token": token,
            "retired": _retired_secret(account) if account.gateway_name in RETIRES else {},
            "settings": account.settings_at(utcnow())[0],
            "currency": CURRENCIES.get(account.gateway_name, "EUR"),
            "parts": shop.parts,
            "closed": _close(account) if account.gateway_name == CLOSED else False,
            "others": [other.slug for other in accounts if other is not account],
        }
        for account in accounts
    ]


def _close(account: GatewayAccount) -> bool:
    account.disable()
    return True


def _retired_secret(account: GatewayAccount) -> dict[str, Any]:
    """The account's secret was rotated just now: the former one has ended, as after a rotation done too early."""
    former = account.secrets[0]
    former.ends_at = utcnow()
    before = account.settings_with([former])[0]
    account.configure({"signing_secrets": [f"whsec_{secrets.token_urlsafe(24)}"]})
    return before


demo = AppGroup("demo", help="The demo shop.")


@demo.command("seed")
@click.option("--write", type=click.Path(path_type=Path), default=Path("var/demo.json"), show_default=True)
@click.option("--upgrade", is_flag=True, help="Migrate the database first, as `flask db upgrade`.")
@plain_errors
def seed_demo(write: Path, upgrade: bool) -> None:
    """Fill an empty database with a demo shop, and write what the demo traffic needs to know.

    Only on this machine: all the world knows the demo's passwords.
    """
    if not is_local(current_app.config["PUBLIC_URL"]):
        raise ValueError("The demo is for this machine only: all the world knows its passwords. PUBLIC_URL is another.")
    if upgrade:
        flask_migrate.upgrade()
    seed(write)
