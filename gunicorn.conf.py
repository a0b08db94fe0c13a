"""The web server's settings. gunicorn, because it hands over every header as it came (docs/decisions/web-server.md)."""

from __future__ import annotations

import os
from typing import Any

from shopcallbacks.receiving.wire import received_headers

bind = f"{os.environ.get('HOST', '0.0.0.0')}:{os.environ.get('PORT', '5000')}"  # nosec B104 - of its container
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 8
preload_app = True
graceful_timeout = 30
keepalive = 15
forwarded_allow_ips = "127.0.0.1"  # who is believed is decided by TRUSTED_HOPS, in the app
control_socket_disable = True


def pre_request(worker: Any, request: Any) -> None:
    received_headers.set(tuple(request.headers))
