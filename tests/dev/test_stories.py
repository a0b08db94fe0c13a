"""The demo's stories: each ends as it says, at every account that can be in it; among them is all that can go wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from dev.stories import (
    MIXES,
    PLOTS,
    Account,
    Call,
    CancelOrder,
    CannotSay,
    PlaceOrder,
    Silence,
    Step,
    Story,
    read_accounts,
    stories,
    tell,
)
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.callbacks.requests import KeptBody
from shopcallbacks.cli.demo import seed
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.errors import OURS_TO_MEND, Conflict, Reason
from shopcallbacks.domain.states import AttemptKind, Entry, State
from shopcallbacks.domain.values import Answer, Ask, NoAnswer
from shopcallbacks.extensions import db
from shopcallbacks.jobs.sweeps import tick
from shopcallbacks.orders.ledger import LedgerRow
from shopcallbacks.orders.order import Order

from ..factories import process

AT = datetime(2026, 11, 26, 18, 0, tzinfo=UTC)
# What no customer, shop or gateway can bring about: our own faults, a set-up that is wrong (but for a secret that the
# gateway goes on to use), and a person who took a payment out.
OURS = {Reason.crashed, Conflict.payment_taken_out, *OURS_TO_MEND} - {Conflict.secret_retired}


@pytest.fixture
def accounts(app: Flask, tmp_path: Path) -> tuple[Account, ...]:
    """Those of the demo, seeded."""
    seed(tmp_path / "demo.json")
    db.session.commit()
    return read_accounts(tmp_path / "demo.json")


@pytest.fixture
def asked(app: Flask, monkeypatch: pytest.MonkeyPatch) -> dict[Ask, list[Answer | None]]:
    """What gateways will say, question by question; the last answer stays."""
    answers: dict[Ask, list[Answer | None]] = {}

    def ask(question: Ask) -> Answer | NoAnswer:
        said = answers.get(question, [Answer(200, b"INVALID")])
        return (said.pop(0) if len(said) > 1 else said[0]) or NoAnswer("no answer in 10 s")

    monkeypatch.setitem(app.extensions, "ask", ask)
    return answers


def told(name: str, accounts: tuple[Account, ...]) -> Iterator[Story]:
    """The story at each of the accounts that can be in it."""
    for place, account in enumerate(accounts):
        try:
            yield tell(name, account, utcnow(), f"26-{place}", Random(place))
        except CannotSay:
            continue


def play(step: Step, client: FlaskClient, asked: dict[Ask, list[Answer | None]]) -> int:
    if isinstance(step, Call):
        asked |= {ask: list(answers) for ask, answers in step.questions}
        path = step.account.url.removeprefix("http://127.0.0.1:5000")
        query = step.query.decode("latin-1")
        return client.open(
            path, method=step.method, query_string=query, headers=list(step.headers), data=step.body
        ).status_code
    authorised = {"Authorization": f"Bearer {step.account.api_token}"}
    if isinstance(step, CancelOrder):
        return client.post(f"/api/orders/{step.number}/cancel", headers=authorised).status_code
    return client.post("/api/orders", json=step.order, headers=authorised).status_code


@pytest.mark.parametrize("name", PLOTS)
def test_a_story_ends_as_it_says_at_every_account_that_can_be_in_it(
    name: str, accounts: tuple[Account, ...], client: FlaskClient, asked: dict[Ask, list[Answer | None]]
) -> None:
    found = list(told(name, accounts))
    assert found, "some account of the demo can be in it"
    for story in found:
        for step in story.steps:
            assert play(step, client, asked) in (200, 201)
            process()
        _time_passes()
        for step in story.steps:
            if isinstance(step, PlaceOrder):
                order = db.session.scalars(select(Order).where(Order.number == step.order["number"])).one()
                payments = select(func.count()).where(LedgerRow.order_id == order.id, LedgerRow.entry == Entry.payment)
                assert (order.state, db.session.scalar(payments)) == (step.end, step.payments)
        for call in story.calls:
            for callback in db.session.scalars(
                select(Callback).join(KeptBody, KeptBody.of(Callback)).where(KeptBody.body == call.body)
            ):
                assert callback.state is call.end.state, (story.name, call.account.slug, callback.detail)
                assert callback.state is State.processed or callback.reason in call.end.reasons
                assert callback.conflict is call.end.conflict
        db.session.execute(update(Callback).values(due_at=None, due_kind=None))  # the next one's own


def _time_passes() -> None:
    """Orders expire, and gateways that were away are asked again."""
    db.session.execute(update(Order).values(expires_at=Order.expires_at - timedelta(minutes=1)))
    automatic = Callback.due_kind == AttemptKind.automatic
    db.session.execute(update(Callback).where(automatic).values(due_at=utcnow()))
    db.session.commit()
    tick()
    process()


def test_a_rough_demo_shows_every_reason_and_conflict_within_two_minutes(accounts: tuple[Account, ...]) -> None:
    """At five stories a second, less the half minute in which the last of them are told."""
    told = stories(accounts, MIXES["rough"], Random(26), lambda: AT)
    ends = [call.end for _ in range(5 * 90) for call in next(told).calls]
    seen = {*(reason for end in ends for reason in end.reasons), *(end.conflict for end in ends if end.conflict)}
    assert {*Reason, *Conflict} - seen == OURS


def test_a_calm_demo_leaves_nothing_to_a_person(accounts: tuple[Account, ...]) -> None:
    told = stories(accounts, MIXES["calm"], Random(26), lambda: AT)
    assert all(call.end.state is State.processed for _ in range(300) for call in next(told).calls)


def test_a_gateway_that_never_answers_is_silence(accounts: tuple[Account, ...]) -> None:
    (story,) = told("silent", accounts)
    assert [answers for call in story.calls for _, answers in call.questions] == [(Silence,)]
