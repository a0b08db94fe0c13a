"""The lane where gateways are asked."""

from __future__ import annotations

import pytest
from flask import Flask

from shopcallbacks.dashboard.pulse import Pulse
from shopcallbacks.domain.values import Answer, Ask
from shopcallbacks.extensions import db
from shopcallbacks.jobs import asking, drain

from ..factories import make_account, make_callback, message
from ..processes import until


def test_a_worker_that_asks_for_long_is_seen_at_work_meanwhile(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its sweep, whose pulse it is else, waits behind the drain and comes too late."""

    def ask(question: Ask) -> Answer:
        with app.app_context():
            until(seen)
        return Answer(200, b"INVALID")

    def seen() -> bool:
        db.session.rollback()
        return Pulse.last() is not None

    monkeypatch.setitem(app.extensions, "ask", ask)
    monkeypatch.setattr(asking, "LEASE_S", 1.0)
    make_callback(make_account(None, "paypal_ipn", receiver_emails=["paypal@shop.example"]), message("slow"))
    db.session.commit()
    assert not seen()
    assert drain(True) == 1
    assert seen()
