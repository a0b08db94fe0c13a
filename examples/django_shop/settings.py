"""The shop's settings: those of any Django project, and below them what it needs of shopcallbacks."""

import os

SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "urls"
INSTALLED_APPS = ["orders"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("SHOP_DB", "shop.sqlite"),
        "OPTIONS": {"transaction_mode": "IMMEDIATE"},  # it locks no rows: who reads before writing waits for the others
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

SHOPCALLBACKS_URL = os.environ["SHOPCALLBACKS_URL"]
SHOPCALLBACKS_TOKEN = os.environ["SHOPCALLBACKS_TOKEN"]
SHOPCALLBACKS_SECRETS = os.environ["SHOPCALLBACKS_SECRETS"].split()
GATEWAY_URL = os.environ["GATEWAY_URL"]
