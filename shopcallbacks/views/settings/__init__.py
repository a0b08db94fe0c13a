"""The settings of a shop: its gateway accounts, its orders, its own endpoint, who is alerted, and its people."""

from flask import Blueprint

from . import accounts, alerts, cures, endpoint, orders, people, secrets, trials

bp = Blueprint("settings", __name__, url_prefix="/settings")
for part in (accounts, alerts, cures, endpoint, orders, people, secrets, trials):
    bp.register_blueprint(part.bp)
