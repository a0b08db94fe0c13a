"""The gateways there are, as one looks for one's own: those that most shops ask for, then by where they are used."""

from __future__ import annotations

from collections.abc import Mapping

from ...gateways import GATEWAYS
from ...gateways.base import Area, Gateway

MOST_USED = "Used most"
# A gateway of a few countries is looked for there; what is used everywhere comes behind.
SHELVES = (MOST_USED, *Area)


def shelves(asked: str) -> Mapping[str, list[Gateway]]:
    """Those that fit every word, by the headings they stand under; no heading without one."""
    wanted = asked.casefold().split()
    found = [gateway for gateway in GATEWAYS.values() if all(word in _told(gateway) for word in wanted)]
    found.sort(key=lambda gateway: gateway.title.casefold())
    by_shelf = {shelf: [one for one in found if _shelf(one) == shelf] for shelf in SHELVES}
    return {str(shelf): gateways for shelf, gateways in by_shelf.items() if gateways}


def _shelf(gateway: Gateway) -> str:
    return MOST_USED if gateway.much_used else gateway.area


def _told(gateway: Gateway) -> str:
    return f"{gateway.title} {gateway.name} {gateway.countries} {gateway.area} {gateway.check}".casefold()
