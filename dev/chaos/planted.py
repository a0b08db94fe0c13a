"""Faults that can be planted in the product, to show that the run finds them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import random
from typing import Any

from sqlalchemy import update

from shopcallbacks import sets
from shopcallbacks.callbacks.attempts import Attempt
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.callbacks.due import Due
from shopcallbacks.domain.values import Request
from shopcallbacks.extensions import db
from shopcallbacks.jobs import asking
from shopcallbacks.orders import books, feed
from shopcallbacks.outgoing import parcels
from shopcallbacks.processing import pipeline, recording
from shopcallbacks.receiving.keeping import Keeper


def answered_before_commit() -> None:
    """Stored a moment after the answer."""
    keep = Keeper.keep

    def later(self: Keeper, *call: Any, **more: Any) -> int:
        def store() -> None:
            time.sleep(3)
            keep(self, *call, **more)

        threading.Thread(target=store, daemon=True).start()
        return 0

    Keeper.keep = later  # type: ignore[method-assign]


def stored_twice() -> None:
    keep = Keeper.keep

    def twice(self: Keeper, *call: Any, **more: Any) -> int:
        keep(self, *call, **more)
        return keep(self, *call, **more)

    Keeper.keep = twice  # type: ignore[method-assign]


def query_cleaned() -> None:
    keep = Keeper.keep

    def cleaned(self: Keeper, request: Request, *call: Any, **more: Any) -> int:
        return keep(self, replace(request, query=request.query.replace(b"%00", b"")), *call, **more)

    Keeper.keep = cleaned  # type: ignore[method-assign]


def claimed_then_forgotten() -> None:
    """One of ten is taken off what is due, and nothing else."""
    process = pipeline.process

    def forgetful(due: Sequence[Due]) -> object:
        forgotten = {one.id for one in due if random() < 0.1}
        if forgotten:
            db.session.execute(update(Callback).where(Callback.id.in_(forgotten)).values(due_at=None))
        return process([one for one in due if one.id not in forgotten])

    pipeline.process = forgetful  # type: ignore[assignment]


def attempt_not_recorded() -> None:
    """Of one that was processed."""
    insert = sets.insert_rows

    def some(session: Any, model: Any, rows: Any, **more: Any) -> Any:
        return insert(session, model, [r for r in rows if model is not Attempt or r["reason"]], **more)

    vars(recording)["insert_rows"] = some


def no_lock_on_orders() -> None:
    opened = books.opened
    books.opened = lambda ids, *, lock=True: opened(ids, lock=False)


def holes_in_the_feed() -> None:
    """Places that nothing stands at."""
    published = feed.published

    def hole(told: Any, now: Any) -> None:
        published(told, now)
        if told and random() < 0.1:
            db.session.execute(update(feed.Feed).values(position=feed.Feed.position + 1))

    feed.published = hole


def lease_never_ends() -> None:
    vars(asking)["LEASE_S"] = 86_400.0


def delivered_without_sending() -> None:
    """One of ten."""
    take = parcels.take

    def some(limit: int, per_endpoint: int, seconds: float) -> Any:
        taken = take(limit, per_endpoint, seconds)
        kept = parcels.Receipt(True, "answered 204")
        return [replace(one, send=lambda: kept) if random() < 0.1 else one for one in taken]

    parcels.take = some


PLANTS: dict[str, Callable[[], None]] = {
    plant.__name__: plant
    for plant in (
        answered_before_commit,
        stored_twice,
        query_cleaned,
        claimed_then_forgotten,
        attempt_not_recorded,
        no_lock_on_orders,
        holes_in_the_feed,
        lease_never_ends,
        delivered_without_sending,
    )
}
