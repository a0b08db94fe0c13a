"""Notes on a callback: written once, shown safely, refused with a sentence."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.callbacks.notes import LONGEST, Note
from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.users import Role, User

from ..factories import log_in, make_account, make_callback, make_order, make_user, message, process

FORM = "application/x-www-form-urlencoded"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def account(app: object) -> GatewayAccount:
    return make_account()


@pytest.fixture
def manager(account: GatewayAccount) -> User:
    return make_user(Role.manager, account.shop)


@pytest.fixture
def callback(account: GatewayAccount) -> Callback:
    made = make_callback(account, message(make_order(account.shop), money=Money(1, "EUR")))
    process()
    return made


def write(client: FlaskClient, callback: Callback, said: str, **headers: str) -> tuple[int, str]:
    response = client.post(f"/callbacks/{callback.id}/notes", data={"text": said}, headers=headers)
    return response.status_code, response.text


def test_a_note_is_kept_with_who_and_shown_with_its_line_breaks(
    client: FlaskClient, callback: Callback, manager: User
) -> None:
    log_in(client, manager)
    status, html = write(client, callback, "  I called them.\r\n<b>They look</b>\n", **HTMX)
    assert status == 200
    assert html.lstrip().startswith('<section id="notes"')
    assert "I called them.\n&lt;b&gt;They look&lt;/b&gt;</p>" in html
    note = Note.about(callback.id)[0]
    assert (note.user.id, note.text) == (manager.id, "I called them.\n<b>They look</b>")
    assert [act.verb for act in Activity.about(callback.id)] == ["note"]


def test_without_script_a_note_leads_back_to_the_page(client: FlaskClient, callback: Callback, manager: User) -> None:
    log_in(client, manager)
    here = f"/callbacks/{callback.id}"
    response = client.post(f"{here}/notes", data={"text": "hello", "back": here})
    assert (response.status_code, response.location) == (303, here)
    assert "hello" in client.get(here).text


@pytest.mark.parametrize("headers", [HTMX, {}])
@pytest.mark.parametrize(
    ("said", "why"),
    [
        (" \n ", "Write something first."),
        ("x" * (LONGEST + 1), "This has 2,001 characters; a note holds 2,000."),
    ],
)
def test_what_cannot_be_kept_is_refused_and_what_was_typed_stays(
    client: FlaskClient, callback: Callback, manager: User, said: str, why: str, headers: dict[str, str]
) -> None:
    log_in(client, manager)
    status, html = write(client, callback, said, **headers)
    assert (status, why in html, said.strip() in html) == (422, True, True)
    assert Note.about(callback.id) == []


def test_what_is_no_text_is_refused_and_nothing_is_kept(client: FlaskClient, callback: Callback, manager: User) -> None:
    log_in(client, manager)
    for data in (b"text=kept%00words", b"text=%ff%fe%00"):
        response = client.post(f"/callbacks/{callback.id}/notes", data=data, content_type=FORM)
        assert response.status_code == 400
    with pytest.raises(ValueError, match="zero byte"):
        Note.write(callback, manager, "kept\x00words")
    assert Note.about(callback.id) == []


def test_the_longest_note_is_kept(client: FlaskClient, callback: Callback, manager: User) -> None:
    log_in(client, manager)
    assert write(client, callback, "é" * LONGEST)[0] == 303
    assert len(Note.about(callback.id)[0].text) == LONGEST


@pytest.mark.parametrize("data", [{}, {"text": ["one", "two"]}, b"text=%ff%fe", b"\xff\xfe=1"])
def test_bad_forms_get_a_sentence(client: FlaskClient, callback: Callback, manager: User, data: object) -> None:
    log_in(client, manager)
    response = client.post(f"/callbacks/{callback.id}/notes", data=data, content_type=FORM)  # type: ignore[arg-type]
    assert response.status_code in (303, 422)


def test_card_numbers_in_a_note_are_masked_when_shown(client: FlaskClient, callback: Callback, manager: User) -> None:
    Note.write(callback, manager, "card 4111 1111 1111 1111 and \u202eturned")
    db.session.commit()
    log_in(client, manager)
    for path in (f"/callbacks/{callback.id}", f"/callbacks/{callback.id}/people", "/callbacks"):
        html = client.get(path).text
        assert "1111" in html
        assert "4111 1111" not in html
        assert "\u202e" not in html


def test_a_row_says_quietly_that_it_has_notes(client: FlaskClient, callback: Callback, manager: User) -> None:
    log_in(client, manager)
    assert "call-notes" not in client.get("/callbacks").text
    for said in ("first", "second"):
        Note.write(callback, manager, said)
    db.session.commit()
    html = client.get("/callbacks").text
    assert '<span class="call-notes" title="“second”">2 notes</span>' in html


def test_a_viewer_reads_notes_and_writes_none(client: FlaskClient, callback: Callback, manager: User) -> None:
    Note.write(callback, manager, "for all to read")
    db.session.commit()
    log_in(client, make_user(Role.viewer, callback.account.shop))
    html = client.get(f"/callbacks/{callback.id}").text
    assert "for all to read" in html
    assert "textarea" not in html
    assert write(client, callback, "me too")[0] == 403


def test_another_shops_notes_are_not_there(client: FlaskClient, callback: Callback) -> None:
    log_in(client, make_user(Role.manager, make_account().shop))
    assert write(client, callback, "hello")[0] == 404
    assert client.get(f"/callbacks/{callback.id}/people").status_code == 404
    assert Note.about(callback.id) == []


def test_a_note_makes_no_page_stale_and_stands_in_no_undos_way(
    client: FlaskClient, callback: Callback, manager: User
) -> None:
    log_in(client, manager)
    seen = callback.version
    write(client, callback, "not ours, I think")
    assert callback.version == seen
    client.post(f"/callbacks/{callback.id}/removal", data={"why": "not ours", "seen": seen})
    write(client, callback, "it was ours")
    assert "marked as invalid by you" in client.get("/callbacks?tab=invalid").text
    act = Activity.last_about(callback.id)
    assert act is not None
    assert act.verb == "remove"
    assert f"/activity/{act.id}/undo" in client.get("/activity/mine").text
    assert client.post(f"/activity/{act.id}/undo").status_code == 303
    assert callback.state == "unprocessed"


@pytest.mark.parametrize("statement", ["DELETE FROM notes", "TRUNCATE notes", "UPDATE notes SET text = 'other'"])
def test_the_database_changes_no_note(callback: Callback, manager: User, statement: str) -> None:
    Note.write(callback, manager, "as it was")
    db.session.commit()
    with pytest.raises(DatabaseError, match="kept for ever"):
        db.session.execute(text(statement))
    db.session.rollback()
