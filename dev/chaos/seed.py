"""Sets the stage's shop up, and prints what the outside knows of it. `python -m dev.chaos.seed HOOK PASSWORD`."""

from __future__ import annotations

import json
import secrets
import sys
from typing import Any

from shopcallbacks import create_app
from shopcallbacks.clock import utcnow
from shopcallbacks.extensions import db
from shopcallbacks.outgoing.endpoint import Endpoint
from shopcallbacks.outgoing.signing import Purpose, SigningSecret
from shopcallbacks.shops.accounts import GatewayAccount, Shop
from shopcallbacks.shops.tokens import USUAL, ApiToken
from shopcallbacks.shops.users import Role, User

SETTINGS: dict[str, dict[str, Any]] = {
    "stripe": {"signing_secrets": [f"whsec_{secrets.token_urlsafe(24)}"]},
    "adyen": {"hmac_keys": [secrets.token_hex(32).upper()], "merchant_accounts": ["ChaosECOM"]},
    "liqpay": {"public_key": "i12345678901", "private_keys": [secrets.token_urlsafe(30)]},
    "paypal_ipn": {"receiver_emails": ["paypal@chaos.example"], "environment": "live", "order_field": "invoice"},
}


def main(hook: str, password: str) -> None:
    shop = Shop.add("chaos", "Chaos")
    User.add("manager@chaos.example", "Mona Manager", Role.manager, password, [shop])
    accounts = [GatewayAccount.add(shop, name, name.replace("_", "-"), given) for name, given in SETTINGS.items()]
    db.session.flush()
    _, token = ApiToken.add(shop, "shop", USUAL, None)
    SigningSecret.make(shop.id, Purpose.endpoint)
    Endpoint.add(shop.id, hook)
    told = [[one.gateway_name, one.callback_path, one.settings_at(utcnow())[0]] for one in accounts]
    db.session.commit()
    print(json.dumps({"api_token": token, "accounts": told}))


if __name__ == "__main__":
    with create_app().app_context():
        main(*sys.argv[1:])
