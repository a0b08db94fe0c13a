"""Callbacks that were kept elsewhere: they are kept here with their own time and bytes, marked, and left alone.

Nothing looks at them until a person asks for it: by `flask callbacks process-imported`, or in the panel.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import func, select, tuple_

from ..callbacks.callback import Callback
from ..callbacks.months import Month
from ..callbacks.requests import digest_of, keep_requests, requests_of
from ..clock import utcnow
from ..domain.errors import Refused
from ..domain.states import State
from ..domain.values import Request
from ..extensions import db
from ..panel.search.index import SearchEntry
from ..sets import insert_rows
from ..shops.accounts import GatewayAccount

BATCH = 250


@dataclass(frozen=True)
class Kept:
    """A request as it was kept elsewhere. `detail`: what of it is not as it came, in a sentence for a manager."""

    request: Request
    detail: str = ""


@dataclass
class Imported:
    """`kept`: ids of the new ones; `known`: how many were imported before; `first`, `last`: of all, when they came."""

    kept: list[int]
    known: int
    first: datetime
    last: datetime


def keep(found: Sequence[Kept], account: GatewayAccount, preview: bool) -> Imported:
    """Keeps them, the oldest first, and commits each batch; of a preview nothing, which its caller takes back.

    `Refused` where some came in a month that is in the archive: it could not be brought back any more beside them.
    """
    found = sorted(found, key=lambda one: one.request.arrived_at)
    times = [one.request.arrived_at for one in found]
    months = sorted(set(map(Month.of, times)))
    for month in months:
        if month.is_away:
            raise Refused(f"{month} is in the archive. Bring it back first: flask requests attach {month}")
    if not preview:
        _make(months)
    done = Imported([], 0, times[0], times[-1])
    for batch in _batches(found):
        _wait_for_others(account)
        new = list(_new(batch, account))
        done.known += len(batch) - len(new)
        ids = [row.id for row in insert_rows(db.session, Callback, [_row(one, account) for one in new], returning="id")]
        keep_requests([(id_, account.id, one.request) for id_, one in zip(ids, new, strict=True)])
        SearchEntry.write(ids)  # the index grows behind those that arrive, by their own time
        done.kept += ids
        if not preview:
            db.session.commit()
    return done


def _make(months: Sequence[Month]) -> None:
    """Before anything of them is in the default part, which is read for each month made later, while arrivals wait."""
    for month in months:
        month.make()
        db.session.commit()  # they wait for this one too


def _batches(found: Iterable[Kept]) -> Iterator[list[Kept]]:
    """What came in the same moment is in the same one, so that those that are alike are counted together."""
    batch: list[Kept] = []
    for _, same in groupby(found, key=lambda one: one.request.arrived_at):
        batch += same
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _wait_for_others(account: GatewayAccount) -> None:
    """One import of an account at a time, until its transaction ends: two would not see what the other keeps."""
    key = f"import {account.id}"
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))


def _new(batch: Sequence[Kept], account: GatewayAccount) -> Iterator[Kept]:
    """Those that are not here as they came. Of some that are alike, as many as are more than those that are here."""
    keys = {(one.request.arrived_at, digest_of(one.request)) for one in batch}
    rows = db.session.execute(
        select(Callback.id, Callback.received_at).where(
            Callback.account_id == account.id, tuple_(Callback.received_at, Callback.digest).in_(keys)
        )
    )
    here = Counter(requests_of([(row.id, row.received_at) for row in rows]).values())
    for one in batch:
        if here[one.request]:
            here[one.request] -= 1
        else:
            yield one


def _row(one: Kept, account: GatewayAccount) -> dict[str, object]:
    request = one.request
    return {
        "shop_id": account.shop_id,
        "account_id": account.id,
        "received_at": request.arrived_at,
        "imported_at": utcnow(),
        "digest": digest_of(request),
        "state": State.imported,
        "detail": one.detail,
        "version": 0,
        "attempt_count": 0,
        "tries": 0,
        "asks": account.asks,
    }
