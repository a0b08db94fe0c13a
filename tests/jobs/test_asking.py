"""The lane where gateways are asked."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import update

from shopcallbacks.bells import ring
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.dashboard.pulse import Pulse
from shopcallbacks.domain.states import Lane
from shopcallbacks.domain.values import Answer, Ask
from shopcallbacks.extensions import db
from shopcallbacks.jobs import asking, drain
from shopcallbacks.shops.accounts import GatewayAccount

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


def test_what_comes_while_others_are_asked_is_asked_at_once(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway of the first answers only once the second has been asked."""
    questions: list[bytes] = []
    slow, quick = (make_account(None, "paypal_ipn", slug=slug, receiver_emails=["a@b.example"]) for slug in ("a", "b"))
    make_callback(slow, message("slow"))
    db.session.commit()
    quick_id = quick.id

    def ask(question: Ask) -> Answer:
        questions.append(question.body)
        if len(questions) == 1:
            with app.app_context():
                account = db.session.get_one(GatewayAccount, quick_id)
                make_callback(account, message("quick"))
                db.session.commit()
                ring(Lane.asking)
            until(lambda: len(questions) == 2)
        return Answer(200, b"INVALID")

    monkeypatch.setitem(app.extensions, "ask", ask)
    monkeypatch.setattr(asking, "LEASE_S", 1_000.0)
    assert drain(True) == 2
    assert [b"slow" in question for question in questions] == [True, False]


def test_a_gateway_is_not_told_that_a_result_is_stored_which_was_dropped(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person asked for another attempt while the gateway was asked."""
    account = make_account(None, "paypal_ipn", receiver_emails=["paypal@shop.example"])
    id_ = make_callback(account, message("any")).id
    db.session.commit()
    acknowledged = []

    def ask(question: Ask) -> Answer:
        with app.app_context():
            db.session.execute(update(Callback).values(version=Callback.version + 1))
            db.session.commit()
        return Answer(200, b"VERIFIED")

    monkeypatch.setitem(app.extensions, "ask", ask)
    monkeypatch.setattr(asking, "_acknowledge", lambda finding, *_: acknowledged.append(finding.due.id))
    drain(True)
    db.session.expire_all()
    assert db.session.get_one(Callback, id_).attempt_count == 0
    assert acknowledged == []
