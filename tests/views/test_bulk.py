"""The screens of many at once: causes, the question before a run, its progress and receipt, and the tray."""

from __future__ import annotations

import html
import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from dev.copies import copy
from shopcallbacks import jobs
from shopcallbacks.bulk import preview, receipt
from shopcallbacks.bulk.runs import BulkRun, RunState
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.domain.states import State, Verb
from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.users import Role, User

from ..bulk.test_runs import badly_signed, go_on, mend
from ..factories import log_in, make_account, make_order, make_shop, make_user


@pytest.fixture
def account(client: FlaskClient) -> GatewayAccount:
    """Its shop's manager is logged in."""
    account = make_account(signing_secrets=["whsec_wrong"])
    log_in(client, make_user(Role.manager, account.shop))
    return account


def the_run() -> BulkRun:
    db.session.expire_all()
    return db.session.scalars(select(BulkRun).order_by(BulkRun.id.desc())).first()  # type: ignore[return-value]


def words_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)).strip()


def test_causes_tell_count_money_and_the_next_step(client: FlaskClient, account: GatewayAccount) -> None:
    badly_signed(account, make_order(account.shop), make_order(account.shop), None)
    page = words_of(client.get("/callbacks/causes").text)
    assert "3 callbacks , 119.80 EUR" in page
    assert "Look why before you force it" in page
    assert "Remove all 3" in page
    assert "Retry all" not in page, "the secret is still the wrong one"


def test_the_actions_of_a_cause_are_about_just_its_callbacks(client: FlaskClient, account: GatewayAccount) -> None:
    badly_signed(account, None, None)
    badly_signed(make_account(account.shop, signing_secrets=["whsec_wrong"]), None)
    page = client.get("/callbacks/causes").text
    (address,) = re.findall(r'href="(/bulk/new\?verb=remove[^"]+)">Remove all 2', page)
    assert "Remove 2 callbacks?" in client.get(address.replace("&amp;", "&")).text


def test_a_page_of_a_run_is_asked_for_as_long_as_something_of_it_may_change(
    client: FlaskClient, account: GatewayAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    badly_signed(account, *(make_order(account.shop) for _ in range(12)))
    mend(account)
    monkeypatch.setattr(receipt, "PAGE", 3)
    address = client.post("/bulk", data={"verb": "retry", "all": "1"}).location
    found = []
    for _ in range(3):
        parts = ("", "/items", "/items?after=3", "/items?after=9")
        asked = (client.get(address + part, headers={"HX-Request": "true"}).text for part in parts)
        found.append(["every 1s" in text for text in asked])
        jobs.bulk()  # one, five, the rest
    assert found == [[True, True, True, True], [True, True, True, True], [True, False, False, True]]
    assert "every 1s" not in client.get(address).text


def test_all_that_match_are_asked_about_started_followed_and_told_of(
    client: FlaskClient, account: GatewayAccount
) -> None:
    orders = [make_order(account.shop) for _ in range(3)]
    badly_signed(account, *orders)
    mend(account)
    page = words_of(client.get("/bulk/new?verb=retry&all=1").text)
    assert "3 orders open: 179.70 EUR" in page
    assert db.session.scalar(select(BulkRun)) is None
    answer = client.post("/bulk", data={"verb": "retry", "all": "1", "why": "secret mended"})
    assert (answer.status_code, answer.location) == (303, f"/bulk/{the_run().id}")
    page = client.get(answer.location).text
    assert page.count("every 1s") == 2
    parts = [
        client.get(path, headers={"HX-Request": "true"}).text for path in re.findall(r'hx-get="(/bulk/[^"]+)"', page)
    ]
    assert ["How far" in part or "What came of it" in part for part in parts] == [True, False]
    assert [orders[0].number in part for part in parts] == [False, True]
    assert client.get(f"{answer.location}/items").location == answer.location
    go_on()
    receipt = client.get(answer.location).text
    assert "every 1s" not in receipt
    assert "3 succeeded: order opened Orders that are open by it: 179.70 EUR" in words_of(receipt)
    assert "secret mended" in receipt
    lines = client.get(f"{answer.location}.csv").data.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("place,callback,gateway account,order number")
    assert [f"Order {order.number} opened" in line for order, line in zip(orders, lines[1:], strict=True)] == [True] * 3
    assert "Retry 3 callbacks" in client.get("/bulk").text


def test_nobody_waits_long_for_the_question_and_who_wants_to_know_more_asks_for_it(
    client: FlaskClient, account: GatewayAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    badly_signed(account, None)
    copy(db.session.scalars(select(Callback.id)).one(), preview.AT_ONCE)
    db.session.commit()
    mend(account)
    monkeypatch.setattr(preview, "FOR_S", 0.0)
    page = client.get("/bulk/new?verb=retry&all=1&tab=unprocessed").text
    assert "1 more was not looked at here: only the first 250 were. Look at more of them" in words_of(page)
    (address,) = re.findall(r'href="(/bulk/new\?verb=retry[^"]+)">Look at more', page)
    further = words_of(client.get(html.unescape(address)).text)
    assert "251 stay unprocessed" in further
    assert "not looked at" not in further


def test_rows_picked_by_hand_and_the_whole_page_work_without_script(
    client: FlaskClient, account: GatewayAccount
) -> None:
    one, two, three = badly_signed(account, None, None, None)
    assert "Retry 2 callbacks?" in client.get(f"/bulk/new?verb=retry&id={one.id}&id={three.id}").text
    page = client.get("/callbacks").text
    (shown,) = re.findall(r'name="shown" value="([\d,]+)"', page)
    assert {int(id_) for id_ in shown.split(",")} == {one.id, two.id, three.id}
    assert "Remove 3 callbacks?" in client.get(f"/bulk/new?verb=remove&page=1&shown={shown}").text


def test_without_its_reason_nothing_starts(client: FlaskClient, account: GatewayAccount) -> None:
    badly_signed(account, None)
    answer = client.post("/bulk", data={"verb": "remove", "all": "1", "why": " "})
    assert answer.status_code == 422
    assert "Say why" in answer.text
    assert the_run() is None


def test_a_filter_that_cannot_be_read_starts_nothing(client: FlaskClient, account: GatewayAccount) -> None:
    badly_signed(account, None)
    answer = client.post("/bulk", data={"verb": "remove", "all": "1", "why": "x", "reason": "nonsense"})
    assert answer.status_code == 422
    assert the_run() is None


def test_the_question_says_what_of_its_filter_was_left_out_and_starts_nothing(
    client: FlaskClient, account: GatewayAccount
) -> None:
    badly_signed(account, None)
    page = client.get("/bulk/new?verb=remove&all=1&account=gone").text
    assert "There is no gateway account “gone” here. It was left out." in page
    assert "Choose anew what it is about." in page
    assert 'type="submit">Remove' not in page


def test_a_run_can_be_paused_resumed_cancelled_and_undone(client: FlaskClient, account: GatewayAccount) -> None:
    (callback,) = badly_signed(account, None)
    client.post("/bulk", data={"verb": "remove", "all": "1", "why": "spam"})
    here = f"/bulk/{the_run().id}"
    for verb, state in (("pause", RunState.paused), ("resume", RunState.running)):
        assert client.post(f"{here}/{verb}").status_code == 303
        assert the_run().state is state
    go_on()
    assert "Undo" in client.get(here).text
    assert client.post(f"{here}/undo").location == f"/bulk/{the_run().id}"
    assert client.post(f"{here}/cancel").status_code == 303
    assert "can't be cancelled" in client.get(here).text.replace("&#39;", "'")
    go_on()
    db.session.refresh(callback)
    assert callback.state is State.unprocessed


def test_a_run_is_undone_once_and_again_where_its_undo_was_cancelled(
    client: FlaskClient, account: GatewayAccount
) -> None:
    badly_signed(account, None, None)
    client.post("/bulk", data={"verb": "remove", "all": "1", "why": "spam"})
    removing = the_run().id
    here = f"/bulk/{removing}"
    go_on()
    client.post(f"{here}/undo")
    first = the_run().id
    assert f'href="/bulk/{first}">the run that undoes it' in client.get(here).text
    assert f"{here}/undo" not in client.get(here).text
    client.post(f"{here}/undo")
    assert the_run().id == first
    assert f"There is an undo of this run already: bulk run {first}, which is running." in client.get(here).text
    client.post(f"/bulk/{first}/cancel")
    assert f"{here}/undo" in client.get(here).text
    client.post(f"{here}/undo")
    assert the_run().id > first


def test_viewers_look_and_do_not_act(client: FlaskClient, account: GatewayAccount) -> None:
    badly_signed(account, None)
    client.post("/bulk", data={"verb": "remove", "all": "1", "why": "spam"})
    here = f"/bulk/{the_run().id}"
    viewer = log_in(client.application.test_client(), make_user(Role.viewer, account.shop))
    assert viewer.get(here).status_code == 200
    assert viewer.get("/bulk/new?verb=retry&all=1").status_code == 403
    assert viewer.post("/bulk", data={"verb": "retry", "all": "1"}).status_code == 403
    for verb in ("pause", "resume", "cancel", "undo"):
        assert viewer.post(f"{here}/{verb}").status_code == 403
    assert "call-pick" not in viewer.get("/callbacks").text


def test_another_shops_run_does_not_exist(client: FlaskClient, account: GatewayAccount) -> None:
    badly_signed(account, None)
    client.post("/bulk", data={"verb": "remove", "all": "1", "why": "spam"})
    here = f"/bulk/{the_run().id}"
    stranger = log_in(client.application.test_client(), make_user(Role.manager, make_shop()))
    for answer in (stranger.get(here), stranger.get(f"{here}.csv"), stranger.post(f"{here}/undo")):
        assert answer.status_code == 404


def test_a_removal_and_its_restoration_are_undone_from_the_tray(client: FlaskClient, account: GatewayAccount) -> None:
    (callback,) = badly_signed(account, None)

    def undo() -> Callback:
        (address,) = re.findall(r'action="(/activity/\d+/undo)"', client.get("/activity/mine").text)
        assert client.post(address).status_code == 303
        db.session.refresh(callback)
        return callback

    client.post(f"/callbacks/{callback.id}/removal", data={"why": "a copy"})
    assert undo().state is State.unprocessed
    assert undo().state is State.invalid
    first = db.session.scalars(select(Activity).where(Activity.verb == "remove").order_by(Activity.id)).first()
    assert first is not None
    refused = client.post(f"/activity/{first.id}/undo", headers={"HX-Request": "true"})
    assert refused.status_code == 409
    assert "undone any more" in refused.text


def test_the_row_of_a_restoration_offers_its_undo(client: FlaskClient, account: GatewayAccount) -> None:
    (callback,) = badly_signed(account, None)
    client.post(f"/callbacks/{callback.id}/removal", data={"why": "a copy"})
    row = client.post(f"/callbacks/{callback.id}/restoration", headers={"HX-Request": "true"}).text
    assert "/undo" in row


def test_what_a_run_reopened_has_its_sum_too(client: FlaskClient, account: GatewayAccount) -> None:
    run = BulkRun(
        shop=account.shop,
        user=db.session.scalars(select(User)).one(),
        verb=Verb.reopen,
        why="",
        filter="",
        state=RunState.done,
        total=1,
        succeeded=1,
        came={"succeeded": {"order reopened": 1}},
        opened={"EUR": 5990},
    )
    db.session.add(run)
    db.session.commit()
    assert "Orders that are open by it: 59.90 EUR" in words_of(client.get(f"/bulk/{run.id}").text)
