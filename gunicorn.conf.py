"""The web server's settings. gunicorn with gevent: what that is for stands in docs/decisions/web-server.md."""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()  # before anything else is imported, for the app is loaded before the workers are forked

import gc  # noqa: E402
import os  # noqa: E402
import threading  # noqa: E402
from typing import Any  # noqa: E402

bind = f"{os.environ.get('HOST', '0.0.0.0')}:{os.environ.get('PORT', '5000')}"  # nosec B104 - of its container
worker_class = "shopcallbacks.receiving.server.Worker"
logger_class = "shopcallbacks.receiving.server.Log"
worker_connections = 800  # below the 1,024 open files that many systems allow a process
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
preload_app = True
raw_env = ["STATEMENT_SECONDS=15"]  # no screen keeps the database busy for longer; commands and workers may
graceful_timeout = 30
keepalive = 15  # also how long the headers of a request may take
limit_request_line = 8190  # the most there is: some gateways say all of it in the query
limit_request_field_size = 16380
forwarded_allow_ips = "127.0.0.1"  # who is believed is decided by TRUSTED_HOPS, in the app
control_socket_disable = True
if os.environ.get("LOG_FORMAT") == "json":  # gunicorn's own lines too
    logconfig_dict = {
        "formatters": {"json": {"()": "shopcallbacks.logs.JsonFormatter"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}},
        "root": {"level": "INFO", "handlers": ["console"]},
        "loggers": {"gunicorn.error": {"level": "INFO", "handlers": [], "propagate": True}},
    }


def post_worker_init(worker: Any) -> None:
    """In each web process, once it has the app: somebody must tell that the worker is gone."""
    from app import app
    from shopcallbacks.jobs import stand_in

    stand_in.begin(app)


def when_ready(server: Any) -> None:
    """What libraries began while the app was loaded ends before the first fork: workers would have it half done.

    And no garbage is looked for in what was loaded: to look takes a tenth of a second, and copies what is shared.
    """
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join()
    gc.freeze()
