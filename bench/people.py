"""A manager at the screens."""

from __future__ import annotations

import re

import requests

from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import Shop
from shopcallbacks.shops.users import Role, User

EMAIL, PASSWORD = "dana@bench.example", "correct horse battery"


def hired(shop: Shop) -> dict[str, str]:
    """A manager of the shop; what the log-in form is to be sent."""
    User.add(EMAIL, "Dana", Role.manager, PASSWORD, [shop])
    db.session.commit()
    return {"email": EMAIL, "password": PASSWORD}


def logged_in(url: str) -> requests.Session:
    """A session that the server takes for hers."""
    session = requests.Session()
    token = token_of(session.get(f"{url}/login", timeout=30))
    data = {"email": EMAIL, "password": PASSWORD, "csrf_token": token}
    assert session.post(f"{url}/login", data=data, timeout=30).url.endswith("/"), "no log-in"
    return session


def token_of(page: requests.Response) -> str:
    """What its forms are to be sent with."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token is not None, page.url
    return token[1]
