"""The settings of a shop: its gateway accounts, its orders, its own endpoint, its API tokens, and who is alerted."""

from flask import Blueprint

from . import accounts, alerts, endpoint, orders, secrets, tokens, trials

bp = Blueprint("settings", __name__, url_prefix="/settings")
for part in (accounts, alerts, endpoint, orders, secrets, tokens, trials):
    bp.register_blueprint(part.bp)
