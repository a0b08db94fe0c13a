"""The first run of a shop: five steps, which stand on its screens until all are true."""

from __future__ import annotations

from ..dashboard import health
from ..outgoing.alerts.rules import AlertRules
from ..shops.accounts import Shop


def steps(shop: Shop) -> health.Steps:
    return health.steps(shop, AlertRules.read(shop.id).reach_somebody)
