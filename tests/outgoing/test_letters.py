"""Letters with a link: to who is invited, and to who forgot their password."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from shopcallbacks import jobs
from shopcallbacks.clock import utcnow
from shopcallbacks.config import SmtpServer
from shopcallbacks.extensions import db
from shopcallbacks.outgoing.letters import OVER, LinkLetter
from shopcallbacks.outgoing.mail import Mailer
from shopcallbacks.shops.links import Link
from shopcallbacks.shops.users import Role, User

from ..factories import PASSWORD, log_in, make_shop, make_user
from ..receiver import MailBox, mail_server

NEW = "lavender tractor sings"


@pytest.fixture
def box(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailBox]:
    """The mail server of the installation."""
    with mail_server() as found:
        monkeypatch.setitem(app.extensions, "mailer", Mailer(SmtpServer.read(found.url), "callbacks@shop.example"))
        yield found


def address_in(letter: EmailMessage) -> str:
    found = re.search(r"http://127.0.0.1:5000(\S+)", letter.get_content())
    assert found is not None
    return found[1]


def test_who_forgot_their_password_gets_a_link(client: FlaskClient, box: MailBox) -> None:
    user = make_user(Role.viewer, make_shop())
    said = client.post("/passwords", data={"email": user.email.upper()}).text
    jobs.drain_outgoing()
    (letter,) = box.letters
    assert (letter["To"], letter["Subject"]) == (user.email, "A new password for shopcallbacks")
    assert client.post(address_in(letter), data={"new": NEW}).location == "/login"
    assert user.fits(NEW)
    unknown = client.post("/passwords", data={"email": "nobody@shop.example"}).text
    assert unknown.replace("nobody@shop.example", user.email) == said
    jobs.drain_outgoing()
    assert len(box.letters) == 1


def test_who_is_known_waits_no_longer_for_redis_than_who_is_not(
    app: Flask, client: FlaskClient, box: MailBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[str] = []
    monkeypatch.setattr(app.extensions["bell"], "ring", lambda name: pytest.fail("waits for Redis"))
    monkeypatch.setattr(app.extensions["bell"], "ring_soon", rung.append)
    client.post("/passwords", data={"email": make_user(Role.viewer, make_shop()).email})
    assert rung == ["outgoing"]


def test_whoever_is_switched_off_gets_no_letter(client: FlaskClient, box: MailBox) -> None:
    user = make_user(Role.viewer, make_shop())
    user.set_active(False)
    db.session.commit()
    assert client.post("/passwords", data={"email": user.email}).status_code == 200
    assert db.session.scalars(select(LinkLetter)).all() == []


def test_nobody_is_flooded_with_letters(client: FlaskClient, box: MailBox) -> None:
    user = make_user(Role.viewer, make_shop())
    answers = [client.post("/passwords", data={"email": user.email}).status_code for _ in range(4)]
    assert answers == [200] * 3 + [429]


def test_without_a_mail_server_the_page_says_whom_to_ask(client: FlaskClient) -> None:
    assert "This installation sends no mail." in client.get("/passwords").text
    assert client.post("/passwords", data={"email": "a@shop.example"}).status_code == 409


def test_an_invitation_goes_by_mail_and_no_row_holds_its_link(client: FlaskClient, box: MailBox) -> None:
    log_in(client, make_user(Role.admin, make_shop("toys")))
    answer = client.post("/settings/people/invitations", data={"email": "dana@toys.example", "role": "viewer"})
    assert answer.status_code == 303
    assert "on its way to dana@toys.example" in client.get("/settings/people").text
    jobs.drain_outgoing()
    address, dana = address_in(box.letters[0]), client.application.test_client()
    token = address.rpartition("/")[2].encode()
    for table in (Link.__table__, LinkLetter.__table__):
        for row in db.session.execute(select(table)):
            assert token not in repr(tuple(row)).encode()
    assert dana.post(address, data={"name": "Dana", "password": PASSWORD}).status_code == 303
    assert db.session.scalars(select(User.name).where(User.email == "dana@toys.example")).one() == "Dana"


def test_what_the_mail_server_refused_is_sent_again_with_a_link_that_opens(client: FlaskClient, box: MailBox) -> None:
    user = make_user(Role.viewer, make_shop())
    box.refuses = b"450 later"
    client.post("/passwords", data={"email": user.email})
    jobs.drain_outgoing()
    db.session.expire_all()
    letter = db.session.scalars(select(LinkLetter)).one()
    assert (letter.tries, letter.open, letter.answer) == (1, True, "the mail server refused the address")
    box.refuses = b""
    db.session.execute(update(LinkLetter).values(next_try_at=utcnow()))
    db.session.commit()
    jobs.drain_outgoing()
    assert client.get(address_in(box.letters[0])).status_code == 200


def test_a_link_that_was_shown_outlives_the_letter_under_way(client: FlaskClient, box: MailBox) -> None:
    log_in(client, make_user(Role.admin, make_shop("toys")))
    box.refuses = b"450 later"
    client.post("/settings/people/invitations", data={"email": "dana@toys.example", "role": "viewer"})
    jobs.drain_outgoing()
    link = db.session.scalars(select(Link)).one()
    ends_at = link.ends_at
    page = client.post(f"/settings/people/invitations/{link.id}/link").text
    shown = re.search(r"http://127.0.0.1:5000(/invitations/[^\"]+)", page)
    assert shown is not None
    box.refuses = b""
    db.session.execute(update(LinkLetter).values(next_try_at=utcnow()))
    db.session.commit()
    jobs.drain_outgoing()
    assert box.letters == []
    assert client.get(shown[1]).status_code == 200
    assert db.session.scalars(select(Link.ends_at).where(Link.withdrawn_at.is_(None))).one() == ends_at


def test_a_letter_whose_link_is_over_is_not_sent(client: FlaskClient, box: MailBox) -> None:
    client.post("/passwords", data={"email": make_user(Role.viewer, make_shop()).email})
    db.session.execute(update(Link).values(ends_at=utcnow()))
    db.session.commit()
    jobs.drain_outgoing()
    db.session.expire_all()
    letter = db.session.scalars(select(LinkLetter)).one()
    assert (box.letters, letter.open, letter.answer) == ([], False, OVER)
