"""A flood of callbacks that are not genuine: nothing is refused or thrown away, and it is one line to whoever looks."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text

from dev.copies import copy
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.states import State
from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.users import Role

from ..factories import log_in, make_account, make_callback, make_order, make_user, message, process, request_for
from .test_asked_once import asked

SCREENS = ("/", "/callbacks", "/callbacks?tab=all", "/callbacks/causes", "/settings")
SAYS_SO = "More than 1,000 callbacks in the last hour were not genuine."


@pytest.fixture
def account(app: Flask) -> GatewayAccount:
    """A forged callback came to it, and waits."""
    found = make_account()
    signer = make_account(found.shop, signing_secrets=["whsec_other"])
    make_callback(found, request_for(signer, message("26")))
    process()
    return found


def flood(account: GatewayAccount, count: int) -> None:
    """So many like it, within some minutes."""
    (one,) = db.session.scalars(select(Callback.id))
    copy(one, count - 1, received_at="now() - make_interval(secs => n * 0.1)")
    db.session.commit()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE callbacks"))


def test_five_thousand_are_one_line_by_cause_and_no_screen_asks_more_for_them(
    client: FlaskClient, account: GatewayAccount
) -> None:
    log_in(client, make_user(Role.manager, account.shop))
    before = {}
    for screen in SCREENS:
        with asked() as statements:
            assert client.get(screen).status_code == 200
        before[screen] = sum(statements.values())
    flood(account, 5_000)
    for screen in SCREENS:
        with asked() as statements:
            page = client.get(screen)
        assert sum(statements.values()) <= before[screen] + 2, screen  # to the next page, and to the counts' bound
        assert len(re.findall('id="callback-[0-9]+"', page.text)) <= 100, screen
        assert len(page.data) < 300_000, screen
    causes = client.get("/callbacks/causes").text
    assert causes.count('class="cluster"') == 1
    assert "<strong>5,000 callbacks</strong>" in causes


def test_its_account_says_so_to_managers_and_to_admins_beyond_the_budget_only(
    client: FlaskClient, account: GatewayAccount
) -> None:
    log_in(client, make_user(Role.admin, account.shop))
    pages = ("/settings", f"/settings/gateways/{account.id}")
    assert [SAYS_SO in client.get(page).text for page in pages] == [False, False]
    flood(account, 1_001)
    assert [client.get(page).text.count(SAYS_SO) for page in pages] == [1, 1]
    assert "None of them counts, and all are kept; genuine ones are processed as ever." in client.get(pages[0]).text


def test_an_account_whose_answers_are_held_back_says_so_as_long_as_they_are(
    client: FlaskClient, account: GatewayAccount
) -> None:
    log_in(client, make_user(Role.admin, account.shop))
    for ahead, said in ((None, 0), (timedelta(minutes=9), 1), (timedelta(seconds=-1), 0)):
        account.braked_until = utcnow() + ahead if ahead else None
        db.session.commit()
        for page in ("/settings", f"/settings/gateways/{account.id}"):
            assert client.get(page).text.count("answered every two seconds only") == said


def test_beyond_the_budget_forged_ones_are_kept_and_genuine_ones_processed(
    client: FlaskClient, account: GatewayAccount
) -> None:
    flood(account, 1_500)
    assert client.post(account.callback_path, data=b"forged").status_code == 200
    genuine = request_for(account, message(make_order(account.shop)))
    sent = client.post(account.callback_path, data=genuine.body, headers=dict(genuine.headers))
    assert sent.status_code == 200
    process()
    found = db.session.execute(select(Callback.state, func.count()).group_by(Callback.state))
    states = dict(found.all())
    assert states == {State.unprocessed: 1_501, State.processed: 1}
