"""Whether the product knows of the proxy before it. If not, all the world has the proxy's address, and one stranger's
wrong passwords are everybody's.
"""

from __future__ import annotations

import logging

from flask import Flask, current_app, request

log = logging.getLogger(__name__)


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(unknown_proxy=unknown_proxy)
    if not app.config["TRUSTED_HOPS"]:
        app.before_request(warn_once)


def unknown_proxy() -> bool:
    """This request came through a proxy that TRUSTED_HOPS does not count, or says so."""
    return not current_app.config["TRUSTED_HOPS"] and "X-Forwarded-For" in request.headers


def warn_once() -> None:
    if unknown_proxy() and not current_app.extensions.get("proxy_told"):
        current_app.extensions["proxy_told"] = True
        log.warning(
            "X-Forwarded-For came from %s, and TRUSTED_HOPS is 0. Behind a proxy set it to the number of proxies, or "
            "everybody counts as one address. Without a proxy somebody made it up, which does nothing.",
            request.remote_addr,
        )
