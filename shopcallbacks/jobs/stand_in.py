"""While no worker is there a web process stands in for it, for alerts alone: else nobody would hear that it is gone."""

from __future__ import annotations

import logging
from threading import Event, Thread

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from ..clock import utcnow
from ..dashboard.pulse import MISSED_AFTER, Pulse
from ..extensions import db
from ..logs import named
from ..outgoing import parcels
from .at_once import AT_ONCE, LEASE_S
from .outgoing import look_around, send

log = logging.getLogger(__name__)
EVERY_S = 20.0


def begin(app: Flask, every_s: float = EVERY_S) -> Event:
    """In each web process; of several each takes what no other has. Ends once the event is set."""
    stopped = Event()
    Thread(target=_keep_watch, args=(app, every_s, stopped), name="stand-in", daemon=True).start()
    return stopped


def _keep_watch(app: Flask, every_s: float, stopped: Event) -> None:
    """From a minute on, which is what a worker that begins beside us has to show itself."""
    stopped.wait(3 * every_s)
    while not stopped.is_set():
        with app.app_context():
            try:
                stand_in()
            except SQLAlchemyError as error:
                log.warning("Whether a worker is there can't be told: %s", named(error))
            except Exception:
                log.exception("Alerts could not be sent in place of the worker")
        stopped.wait(every_s)


def stand_in() -> int:
    """Looks at the shops' queues for alerts and sends them, if no worker is there to do it. How many were sent."""
    seen, now = Pulse.last(), utcnow()
    db.session.rollback()
    if seen is not None and now - seen <= MISSED_AFTER:
        return 0
    look_around(outside=True)
    taken = parcels.take_alerts(AT_ONCE, LEASE_S)
    db.session.commit()
    send(taken)
    return len(taken)
