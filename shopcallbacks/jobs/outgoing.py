"""What goes out to shops and people."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime

from flask import current_app

from ..bells import bell, ring_outgoing
from ..clock import utcnow
from ..domain.states import Lane
from ..extensions import db
from ..outgoing import parcels
from ..outgoing.alerts import watch
from ..outgoing.alerts.rules import AlertMessage
from ..outgoing.deliveries import Delivery
from ..outgoing.endpoint import Endpoint
from ..outgoing.letters import LinkLetter
from ..outgoing.mark import mark
from ..outgoing.parcels import Parcel
from .at_once import AT_ONCE, LEASE_S, at_once

PER_ENDPOINT = 16
LOOK_S = 5.0


def drain_outgoing() -> int:
    """One batch of what goes out: order changes to shops' endpoints, alerts and links to people. How many were sent."""
    with current_app.app_context():
        bell().answer(Lane.outgoing)
        _tell_nothing_twice()
        more = parcels.spread()
        db.session.commit()
        taken = parcels.take(AT_ONCE, PER_ENDPOINT, LEASE_S)
        db.session.commit()
        send(taken)
        if taken or more:
            ring_outgoing()
        return len(taken)


def _tell_nothing_twice() -> None:
    """Shops' endpoints are switched off where the database is older than what they were told, and people hear of it."""
    if not mark().advance():
        for endpoint in Endpoint.switch_off_all("for an older back-up was put back"):
            watch.tell_older(endpoint.shop_id)
    db.session.commit()


def send(taken: list[Parcel]) -> None:
    """All of them at once, each noted and committed as it is answered."""
    at_once(taken, parcels.sent, parcels.note, _keep_parcels)


def _keep_parcels(kept: Iterable[Parcel]) -> None:
    for of in (Delivery, AlertMessage, LinkLetter):
        of.keep_lease([parcel.id for parcel in kept if parcel.of is of], LEASE_S)


def sweep_outgoing() -> None:
    """Looks at the shops' queues for alerts, and sends what is due though no bell rang."""
    with current_app.app_context():
        _tell_nothing_twice()
        look_around()
        due = Endpoint.any_behind() or Delivery.any_due() or AlertMessage.any_due() or LinkLetter.any_due()
        db.session.rollback()
        if due:
            drain_outgoing()


def look_around(outside: bool = False) -> None:
    """For alerts, at each shop once, for some seconds: what is to be sent must not wait for a long round. The next one
    begins with those not looked at for longest.

    `outside`: who looks is no worker.
    """
    began, until = utcnow(), time.monotonic() + LOOK_S
    while _look(outside, began) and time.monotonic() < until:
        pass


def _look(outside: bool, began: datetime) -> bool:
    """At one shop. All its figures are of one moment: what comes meanwhile is seen at the next look."""
    db.session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    looked = watch.look(outside, began)
    db.session.commit()
    return looked
