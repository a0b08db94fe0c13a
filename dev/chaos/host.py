"""The product as the run starts it: in the place of `app:app` for the web, and of `worker.py` for a worker.

Its clock is wrong by the seconds that stand in the file CHAOS_CLOCK. Which faults are planted in it: CHAOS_PLANT,
`one,another`.
"""

from __future__ import annotations

import logging
import os
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from app import app  # noqa: F401 - what gunicorn serves
from shopcallbacks import clock

from .planted import PLANTS

_CLOCK = Path(os.environ["CHAOS_CLOCK"])


class Clock(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        wrong = _CLOCK.read_text() if _CLOCK.exists() else ""
        return datetime.now(tz) + timedelta(seconds=float(wrong or 0))


vars(clock)["datetime"] = Clock  # what `utcnow` asks

for _name in filter(None, os.environ["CHAOS_PLANT"].split(",")):
    PLANTS[_name]()

if __name__ == "__main__":
    from worker import Children

    logging.basicConfig(level=logging.INFO)
    Children().run()
