"""Settings > People."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import Shop
from shopcallbacks.shops.links import Link
from shopcallbacks.shops.tokens import Scope
from shopcallbacks.shops.users import Role, User

from ...factories import PASSWORD, log_in, make_shop, make_token, make_user


@pytest.fixture
def shop(client: FlaskClient) -> Shop:
    return make_shop("toys")


@pytest.fixture
def admin(client: FlaskClient, shop: Shop) -> User:
    """Logged in."""
    admin = make_user(Role.admin, shop)
    log_in(client, admin)
    return admin


def link_on(page: str) -> str:
    found = re.search(r'id="fresh" readonly value="http://127.0.0.1:5000([^"]+)"', page)
    assert found is not None
    return found[1]


def test_an_invitation_leads_a_new_person_into_the_shop(client: FlaskClient, admin: User) -> None:
    page = client.post("/settings/people/invitations", data={"email": "dana@toys.example", "role": "manager"})
    address, dana = link_on(page.text), client.application.test_client()
    assert "dana@toys.example" in client.get("/settings/people").text
    assert "Manager" not in client.get("/settings/people").text
    assert "invites dana@toys.example as manager of Toys" in dana.get(address).text
    refused = dana.post(address, data={"name": "Dana", "password": "qwertyuiop"})
    assert (refused.status_code, "too easy to guess" in refused.text) == (422, True)
    assert dana.post(address, data={"name": "Dana", "password": PASSWORD}).location == "/"
    assert dana.get("/callbacks").status_code == 200
    assert dana.get("/settings/gateways/new").status_code == 403
    assert dana.get(address).status_code == 410
    assert "Invited, and not here yet" not in client.get("/settings/people").text


def test_who_has_an_account_logs_in_and_accepts(client: FlaskClient, admin: User) -> None:
    user = make_user(Role.viewer, make_shop("books"))
    sent = client.post("/settings/people/invitations", data={"email": user.email, "role": "viewer"})
    address, other = link_on(sent.text), client.application.test_client()
    assert f"/login?next={address}" in other.get(address).text
    assert other.post(address, data={"name": "Mallory", "password": "another horse, correct"}).status_code == 422
    assert other.post(f"{address}/acceptance").location == f"/login?next={address}"
    assert client.post(f"{address}/acceptance").status_code == 409
    assert log_in(other, user).post(f"{address}/acceptance").location == "/?shop=toys"
    assert [shop.slug for shop in db.session.get_one(User, user.id).shops] == ["books", "toys"]


def test_a_link_is_shown_once_and_a_new_one_ends_it(client: FlaskClient, admin: User) -> None:
    first = link_on(client.post("/settings/people/invitations", data={"email": "dana@toys.example"}).text)
    assert first not in client.get("/settings/people").text
    id_ = db.session.scalars(select(Link.id)).one()
    second = link_on(client.post(f"/settings/people/invitations/{id_}/link").text)
    assert [client.get(one).status_code for one in (first, second)] == [410, 200]
    new_id = second.split("/")[2]
    assert client.post(f"/settings/people/invitations/{new_id}/withdrawal").status_code == 303
    assert client.get(second).status_code == 410
    for ended in (id_, new_id):
        assert client.post(f"/settings/people/invitations/{ended}/withdrawal").status_code == 404


def test_what_is_not_an_admins_to_do_is_refused_without_its_button(client: FlaskClient, admin: User) -> None:
    owner = make_user(Role.owner)
    sent = client.post("/settings/people/invitations", data={"email": "boss@toys.example", "role": "owner"})
    assert (sent.status_code, "Only an owner makes an owner." in sent.text) == (422, True)
    page = client.get(f"/settings/people/{owner.id}").text
    assert "only owners say who is one" in page
    assert '<form method="post"' not in page.partition("<main")[2]
    for path, data in (("suspension", {"why": "x"}), ("sessions/ending", {}), ("password-link", {}), ("rights", {})):
        assert client.post(f"/settings/people/{owner.id}/{path}", data=data).status_code == 409, path
    assert client.post(f"/settings/people/{admin.id}/rights", data={"role.toys": "admin"}).status_code == 409
    assert client.get(f"/settings/people/{make_user(Role.viewer, make_shop()).id}").status_code == 404


def test_a_role_is_changed_and_a_person_taken_out(client: FlaskClient, admin: User, shop: Shop) -> None:
    dana = make_user(Role.viewer, shop)
    path = f"/settings/people/{dana.id}"
    assert client.post(f"{path}/rights", data={"role.toys": "manager", "why": "trained"}).location == path
    assert db.session.get_one(User, dana.id).rights == {shop: Role.manager}
    assert "from viewer to manager in toys</td><td" in re.sub(r"\s*\n\s*", "", client.get("/activity").text)
    assert client.post(f"{path}/rights", data={"role.toys": "king"}).status_code == 400
    assert client.post(f"{path}/rights", data={"role.toys": "", "owner": "1"}).status_code == 409
    assert client.post(f"{path}/rights", data={"role.toys": ""}).location == "/settings/people"
    assert client.get(path).status_code == 404


def test_a_person_is_switched_off_and_on_and_logged_out(client: FlaskClient, admin: User, shop: Shop) -> None:
    dana = make_user(Role.viewer, shop)
    theirs, path = log_in(client.application.test_client(), dana), f"/settings/people/{dana.id}"
    assert client.post(f"{path}/sessions/ending").status_code == 303
    assert theirs.get("/orders").status_code == 303
    log_in(theirs, dana)
    assert client.post(f"{path}/suspension", data={"why": ""}).status_code == 422
    assert client.post(f"{path}/suspension", data={"why": "left"}).status_code == 303
    assert theirs.get("/orders").status_code == 303
    assert "switched off" in client.get("/settings/people").text
    assert client.post(f"{path}/resumption").status_code == 303
    assert log_in(theirs, dana).get("/orders").status_code == 200


def test_an_owner_finds_everybody_and_makes_owners(client: FlaskClient, shop: Shop) -> None:
    owner, dana = make_user(Role.owner), make_user(Role.viewer, make_shop("books"))
    log_in(client, owner)
    path = f"/settings/people/{dana.id}/rights"
    assert client.post(path, data={"owner": "1", "role.toys": "viewer"}).status_code == 303
    assert db.session.get_one(User, dana.id).owns
    assert client.post(path, data={"role.toys": "viewer", "role.books": ""}).status_code == 303
    assert db.session.get_one(User, dana.id).rights == {shop: Role.viewer}
    assert client.post(f"/settings/people/{owner.id}/suspension", data={"why": "x"}).status_code == 409


def test_what_was_chosen_for_a_person_stands_there_still_where_it_is_refused(client: FlaskClient, shop: Shop) -> None:
    owner, other = make_user(Role.owner), make_user(Role.owner)
    log_in(client, owner)
    choice = {"role.toys": "", "why": "moves to “books”"}
    refused = client.post(f"/settings/people/{other.id}/rights", data=choice)
    assert refused.status_code == 409
    assert 'value="moves to “books”"' in refused.text
    assert 'name="owner" value="1" checked' not in refused.text
    assert 'name="owner" value="1" checked' in client.get(f"/settings/people/{other.id}").text


def test_those_who_set_nothing_up_read_who_is_here(client: FlaskClient, shop: Shop) -> None:
    log_in(client, make_user(Role.viewer, shop))
    make_user(Role.admin, shop, email="ada@toys.example")
    page = client.get("/settings/people").text
    assert "ada@toys.example" in page
    assert "Last seen" not in page
    assert "Only admins invite people" in page


def test_what_acts_by_a_token_is_not_among_the_people(client: FlaskClient, admin: User, shop: Shop) -> None:
    make_token(shop, Scope.act, name="till")
    program = db.session.scalars(select(User).where(User.program)).one()
    assert program.name not in client.get("/settings/people").text
    path = f"/settings/people/{program.id}"
    assert client.get(path).status_code == 404
    for to, data in (("suspension", {"why": "leaked"}), ("rights", {"role.toys": "admin"}), ("password-link", {})):
        assert client.post(f"{path}/{to}", data=data).status_code == 404, to
    assert program.name in client.get("/activity").text
