"""A large run: how long its snapshot, its first stages and a preview take. Printed, not asserted.

`--bulk-size N`: over so many callbacks, 10,000 unless told; 100,000 is what it is meant to stand.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import func, select, text

from dev.copies import copy
from shopcallbacks import jobs
from shopcallbacks.bulk import preview
from shopcallbacks.bulk.runs import BulkItem, BulkRun
from shopcallbacks.bulk.selection import Selection
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.domain.states import Verb
from shopcallbacks.extensions import db
from shopcallbacks.panel.filter import Filter
from shopcallbacks.shops.users import Role

from ..factories import make_account, make_user
from .test_runs import badly_signed, mend

pytestmark = pytest.mark.usefixtures("app")


@contextmanager
def timed(what: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    print(f"{what}: {(time.perf_counter() - started) * 1000:,.0f} ms")


def test_many_are_written_down_and_begun(pytestconfig: pytest.Config) -> None:
    many = pytestconfig.getoption("--bulk-size")
    account = make_account(signing_secrets=["whsec_wrong"])
    manager = make_user(Role.manager, account.shop)
    badly_signed(account, None)
    copy(db.session.scalars(select(Callback.id)).one(), many - 1)
    db.session.commit()
    db.session.execute(text("ANALYZE callbacks"))
    mend(account)
    everything = Selection(Filter())
    with timed("count"):
        assert everything.count(Verb.retry, account.shop) == many
    with timed(f"preview of the first {preview.LOOKS_AT:,}"):
        assert preview.effects_of(Verb.retry, everything, account.shop).beyond >= many - preview.LOOKS_AT
    db.session.rollback()
    with timed("snapshot"):
        run = BulkRun.start(account.shop, manager, Verb.remove, everything, "too many")
        db.session.commit()
    assert db.session.scalar(select(func.count()).select_from(BulkItem)) == many
    with timed("the first three stages, 206 callbacks"):
        for _ in range(3):
            jobs.bulk()
    db.session.refresh(run)
    assert run.succeeded == 206
    with timed("5,000 more removals"):
        for _ in range(25):
            jobs.bulk()
    db.session.refresh(run)
    assert run.succeeded == 5206
    run.cancel(manager)
    db.session.commit()
