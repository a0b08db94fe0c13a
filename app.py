"""The web app: `gunicorn app:app`, `flask --app app ...`."""

from __future__ import annotations

import gc
import sys

gc.disable()  # what is loaded stays: to look for garbage in it is a fifth of the start

from shopcallbacks import create_app  # noqa: E402
from shopcallbacks.config import ConfigError  # noqa: E402

try:
    app = create_app()
except ConfigError as error:
    sys.exit(f"shopcallbacks can't start.\n{error}")
gc.enable()
