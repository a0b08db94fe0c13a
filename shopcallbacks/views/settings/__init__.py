"""The settings of a shop: gateway accounts, orders, its own endpoint, API tokens, who is alerted, and its people."""

from flask import Blueprint

from . import accounts, alerts, cures, endpoint, keys, listening, live, orders, people, secrets, tokens, trials

bp = Blueprint("settings", __name__, url_prefix="/settings")
for part in (accounts, alerts, cures, endpoint, keys, listening, live, orders, people, secrets, tokens, trials):
    bp.register_blueprint(part.bp)
