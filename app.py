"""The web app: `gunicorn app:app`, `flask --app app ...`."""

from __future__ import annotations

import sys

from shopcallbacks import create_app
from shopcallbacks.config import ConfigError

try:
    app = create_app()
except ConfigError as error:
    sys.exit(f"shopcallbacks can't start.\n{error}")
