"""Who is on a callback: one at a time, ended by time, in nobody's way."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from shopcallbacks.callbacks import undo
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.callbacks.claims import LASTS, Claim
from shopcallbacks.callbacks.notes import Note
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.errors import Refused
from shopcallbacks.domain.states import State, Verb
from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from shopcallbacks.panel.callback.timeline import story_of
from shopcallbacks.panel.rows import rows_of
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.users import Role, User

from ..factories import log_in, make_account, make_callback, make_order, make_user, message, process

HTMX = {"HX-Request": "true"}


@pytest.fixture
def account(app: object) -> GatewayAccount:
    return make_account()


@pytest.fixture
def callback(account: GatewayAccount) -> Callback:
    made = make_callback(account, message(make_order(account.shop), money=Money(1, "EUR")))
    process()
    return made


def person(account: GatewayAccount, name: str, role: Role = Role.manager) -> User:
    user = make_user(role, account.shop)
    user.name = name
    db.session.commit()
    return user


@pytest.fixture
def dana(account: GatewayAccount) -> User:
    return person(account, "Dana")


@pytest.fixture
def ali(account: GatewayAccount) -> User:
    return person(account, "Ali")


def take(callback: Callback, user: User, over: User | None = None) -> None:
    Claim.take(callback, user, over.id if over else None)
    db.session.commit()


def later(length: timedelta) -> None:
    """Time passes for all claims."""
    db.session.execute(update(Claim).values(since=Claim.since - length, until=Claim.until - length))
    db.session.commit()
    db.session.expire_all()


def holder(callback: Callback) -> str | None:
    claim = Claim.of([callback.id]).get(callback.id)
    return claim.user.name if claim else None


def acts(callback: Callback) -> list[tuple[str, str]]:
    return [(act.actor, act.verb) for act in Activity.about(callback.id)]


def test_who_takes_it_is_on_it_and_others_are_told_who(callback: Callback, dana: User, ali: User) -> None:
    seen = callback.version
    take(callback, dana)
    with pytest.raises(Refused, match="Dana is on it"):
        take(callback, ali)
    assert holder(callback) == "Dana"
    assert acts(callback) == [("Dana", "claim")]
    assert callback.version == seen


def test_it_is_let_go_by_who_has_it_only(callback: Callback, dana: User, ali: User) -> None:
    take(callback, dana)
    Claim.let_go(callback, ali)
    assert holder(callback) == "Dana"
    Claim.let_go(callback, dana)
    Claim.let_go(callback, dana)
    assert holder(callback) is None
    take(callback, ali)
    assert acts(callback) == [("Dana", "claim"), ("Dana", "let go"), ("Ali", "claim")]


def test_it_is_taken_over_from_whom_one_saw_only(callback: Callback, dana: User, ali: User) -> None:
    third = person(callback.account, "Kim")
    take(callback, dana)
    take(callback, ali, over=dana)
    assert holder(callback) == "Ali"
    with pytest.raises(Refused, match="Ali is on it"):
        take(callback, third, over=dana)
    db.session.rollback()
    last = Activity.about(callback.id)[-1]
    assert (last.actor, last.verb, last.what) == ("Ali", "take over", "from Dana")


def test_it_ends_by_itself_after_a_while(callback: Callback, dana: User, ali: User) -> None:
    take(callback, dana)
    later(LASTS - timedelta(seconds=5))
    assert holder(callback) == "Dana"
    later(timedelta(seconds=6))
    assert holder(callback) is None
    take(callback, ali)
    assert acts(callback) == [("Dana", "claim"), ("Ali", "claim")]


def test_what_its_manager_does_about_it_renews_it_and_what_others_do_does_not(
    client: FlaskClient, callback: Callback, dana: User, ali: User
) -> None:
    log_in(client, dana)
    for path, data in (("notes", {"text": "looking"}), ("retry", {}), ("claim", {})):
        take(callback, dana)
        later(LASTS - timedelta(minutes=1))
        client.post(f"/callbacks/{callback.id}/{path}", data=data)
        process()
        later(timedelta(minutes=5))
        assert holder(callback) == "Dana", path
    client.get("/logout")
    log_in(client.application.test_client(), ali).post(f"/callbacks/{callback.id}/notes", data={"text": "me too"})
    later(LASTS - timedelta(minutes=5))
    assert holder(callback) is None


def test_of_two_at_once_one_wins(app: Flask, callback: Callback, dana: User, ali: User) -> None:
    """Both have seen that nobody is on it, and press in the same moment."""
    ids, start = (dana.id, ali.id), Barrier(2)
    callback_id = callback.id
    db.session.rollback()

    def press(user_id: int) -> str:
        with app.app_context():
            one, user = db.session.get_one(Callback, callback_id), db.session.get_one(User, user_id)
            start.wait()
            try:
                Claim.take(one, user)
                db.session.commit()
            except Refused as refused:
                return str(refused)
            return "mine"

    for _ in range(5):
        with ThreadPoolExecutor(2) as pool:
            said = sorted(pool.map(press, ids))
        winner = holder(callback)
        assert said == sorted(["mine", f"{winner} is on it."])
        db.session.rollback()
        later(2 * LASTS)
    assert db.session.scalar(select(func.count()).select_from(Claim)) == 1


def test_what_is_settled_has_nobody_on_it(client: FlaskClient, callback: Callback, dana: User) -> None:
    log_in(client, dana)
    take(callback, dana)
    assert "You are on it" in client.get(f"/callbacks/{callback.id}").text
    assert "You are on it" in client.get("/callbacks").text
    callback.do(Verb.remove, dana, "not ours")
    db.session.commit()
    for path in (f"/callbacks/{callback.id}", "/callbacks?tab=invalid"):
        assert "You are on it" not in client.get(path).text
    response = client.post(f"/callbacks/{callback.id}/claim", headers=HTMX)
    assert (response.status_code, "nobody needs to be on it" in response.text) == (409, True)


def test_a_claim_stands_in_no_undos_way(callback: Callback, dana: User, ali: User) -> None:
    callback.do(Verb.remove, dana, "not ours")
    Claim._record("claim", callback, ali)
    db.session.commit()
    removal = Activity.about(callback.id)[0]
    assert [done.undoable for done in undo.tray(dana, callback.shop_id)] == [True]
    assert "removed by Dana" in callback.last_move
    assert undo.undo(removal, callback, dana) == "restore"
    assert callback.state is State.unprocessed


def test_the_story_tells_of_claims_and_still_of_a_retry_that_waits(callback: Callback, dana: User, ali: User) -> None:
    callback.do(Verb.retry, dana)
    take(callback, dana)
    take(callback, ali, over=dana)
    row = rows_of([callback], dana, utcnow())[0]
    told = [(entry.title, entry.note) for entry in story_of(callback, row, [], Activity.about(callback.id))][-3:]
    assert told == [
        ("Asked for one more attempt by you", ""),
        ("You took it on", ""),
        ("Ali took it over", "from Dana"),
    ]


def test_the_page_and_the_questions_say_who_is_on_it_and_forbid_nothing(
    client: FlaskClient, callback: Callback, dana: User, ali: User
) -> None:
    log_in(client, ali)
    assert "I’m on it" in client.get(f"/callbacks/{callback.id}").text
    take(callback, dana)
    for headers in (HTMX, {}):
        assert "Dana is on it, " in client.get(f"/callbacks/{callback.id}/removal", headers=headers).text
    page = client.get(f"/callbacks/{callback.id}").text
    assert "Dana is on it" in page
    assert f'name="over" value="{dana.id}"' in page
    data = {"why": "not ours", "seen": callback.version}
    assert client.post(f"/callbacks/{callback.id}/removal", data=data, headers=HTMX).status_code == 200
    assert callback.state is State.invalid


def test_pressing_answers_with_who_is_on_it(client: FlaskClient, callback: Callback, dana: User, ali: User) -> None:
    log_in(client, dana)
    address = f"/callbacks/{callback.id}/claim"
    mine = client.post(address, headers=HTMX)
    assert mine.text.lstrip().startswith('<div id="claim"')
    assert "Let go" in mine.text
    response = client.post(f"{address}/end", data={"back": f"/callbacks/{callback.id}"})
    assert (response.status_code, response.location) == (303, f"/callbacks/{callback.id}")
    take(callback, ali)
    late = client.post(address, headers=HTMX)
    assert (late.status_code, "Ali is on it." in late.text, "Take over" in late.text) == (409, True, True)
    plain = client.post(address, data={"over": "x" * 50, "back": f"/callbacks/{callback.id}"})
    assert plain.status_code == 303
    assert "Ali is on it." in client.get(plain.location).text


def test_rows_that_are_shown_are_told_who_is_on_them(client: FlaskClient, callback: Callback, dana: User) -> None:
    elsewhere = make_callback(make_account(), message())
    stranger = person(elsewhere.account, "Stranger")
    take(callback, dana)
    take(elsewhere, stranger)
    log_in(client, person(callback.account, "Viewer", Role.viewer))
    html = client.get("/callbacks").text
    assert ("Dana is on it, " in html, "Stranger" in html) == (True, False)
    page = client.get(f"/callbacks/{callback.id}").text
    assert "Dana is on it" in page
    assert "Take over" not in page
    assert client.post(f"/callbacks/{callback.id}/claim").status_code == 403
    assert client.post(f"/callbacks/{callback.id}/claim/end").status_code == 403


def test_another_shops_callback_is_claimed_by_nobody_here(client: FlaskClient, callback: Callback) -> None:
    log_in(client, person(make_account(), "Stranger"))
    assert client.post(f"/callbacks/{callback.id}/claim").status_code == 404
    assert client.post(f"/callbacks/{callback.id}/claim/end").status_code == 404
    assert holder(callback) is None


def test_a_shown_row_follows_who_is_on_it_and_what_is_noted(
    client: FlaskClient, callback: Callback, dana: User
) -> None:
    log_in(client, dana)

    def marked() -> str:
        (mark,) = re.findall(r'data-mark="([^"]+)"', client.get("/callbacks").text)
        return str(mark)

    def follows(mark: str) -> str:
        return client.get(f"/callbacks/news?shown={mark}", headers=HTMX).text

    mark = marked()
    row = f'id="callback-{callback.id}"'
    assert row not in follows(mark)
    take(callback, dana)
    assert "You are on it" in follows(mark)
    mark = marked()
    assert row not in follows(mark)
    Note.write(callback, dana, "I called them.")
    db.session.commit()
    assert "1 note" in follows(mark)


def test_what_is_handed_on_is_theirs_until_they_let_go(
    client: FlaskClient, callback: Callback, dana: User, ali: User
) -> None:
    log_in(client, dana)
    address = f"/callbacks/{callback.id}/claim/hand-on"
    assert "Ali has it" in client.post(address, data={"to": str(ali.id)}, headers=HTMX).text
    db.session.rollback()
    db.session.execute(update(Claim).values(since=Claim.since - 20 * LASTS))
    db.session.commit()
    assert Claim.of([callback.id])[callback.id].user_id == ali.id
    Claim.renew(callback, ali)
    assert Claim.of([callback.id])[callback.id].lasts
    Claim.let_go(callback, ali)
    db.session.commit()
    assert Claim.of([callback.id]) == {}


def test_it_is_handed_on_only_to_somebody_who_may_act_in_the_shop(
    client: FlaskClient, callback: Callback, account: GatewayAccount, dana: User
) -> None:
    log_in(client, dana)
    for other in (person(account, "Vera", Role.viewer), make_user(Role.manager, make_account().shop)):
        answer = client.post(f"/callbacks/{callback.id}/claim/hand-on", data={"to": str(other.id)}, headers=HTMX)
        assert answer.status_code == 409
        assert "Choose somebody who may act in this shop." in answer.text


def test_the_panel_shows_what_is_mine_nobodys_or_with_notes(
    client: FlaskClient, callback: Callback, account: GatewayAccount, dana: User
) -> None:
    other = make_callback(account, message(make_order(account.shop), money=Money(1, "EUR")))
    process()
    Claim.take(callback, dana)
    Note.write(other, dana, "She called.")
    db.session.commit()
    log_in(client, dana)

    def shown(query: str) -> set[int]:
        return {int(id_) for id_ in re.findall(r'id="callback-(\d+)"', client.get(f"/callbacks?{query}").text)}

    assert shown(f"on={dana.id}") == {callback.id}
    assert shown("on=nobody") == {other.id}
    assert shown("notes=1") == {other.id}
    assert shown("on=nobody&notes=1") == {other.id}
    assert "There is nobody “me”. It was left out." in client.get("/callbacks?on=me").text
