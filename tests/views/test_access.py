"""Who sees and does what: an admin of one shop is nobody in another."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from shopcallbacks.bulk.runs import BulkRun
from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from shopcallbacks.outgoing.alerts.rules import AlertMessage
from shopcallbacks.outgoing.endpoint import Endpoint
from shopcallbacks.shops import people
from shopcallbacks.shops.accounts import GatewayAccount, Shop
from shopcallbacks.shops.tokens import ApiToken
from shopcallbacks.shops.users import Role, User

from ..factories import (
    log_in,
    make_account,
    make_callback,
    make_order,
    make_shop,
    make_token,
    make_user,
    message,
    process,
)

Routes = dict[str, tuple[str, str]]


@pytest.fixture
def there(app: Flask) -> GatewayAccount:
    """A gateway account of a shop that is set up."""
    account = make_account(make_shop("there"), slug="main")
    log_in(client := app.test_client(), make_user(Role.owner))
    client.get("/?shop=there")
    said = {
        "/settings/endpoint": {"url": "https://there.example/hook"},
        "/settings/alerts": {"recipients": "a@there.example", "url": "https://there.example/alerts"},
        "/settings/alerts/test": {},
    }
    assert [client.post(path, data=data).status_code < 400 for path, data in said.items()] == [True] * 3
    return account


def settings_routes(app: Flask, account: GatewayAccount) -> Routes:
    """Method and address of every route of the settings, about that account and its shop."""
    alert = db.session.scalars(select(AlertMessage.id).where(AlertMessage.shop_id == account.shop_id)).first()
    person = make_user(Role.viewer, account.shop)
    make_token(account.shop, name=f"till {person.id}")
    invitation = people.invite(None, "invited@shop.example", Role.viewer, account.shop)
    db.session.commit()
    values = {
        "name": "stripe",
        "conflict": "secret_retired",
        "id_": account.id,
        "secret_id": account.secrets[0].id,
        "callback_id": make_callback(account, message()).id,
        "token_id": ApiToken.of(account.shop_id)[0].id,
    }
    others = {
        "/settings/alerts": {"id_": alert},
        "/settings/people/invitations": {"id_": invitation.id},
        "/settings/people": {"id_": person.id},
    }
    found = {}
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("settings."):
            given = values | next((more for part, more in others.items() if rule.rule.startswith(part)), {})
            path = re.sub(r"<(?:\w+:)?(\w+)>", lambda part, given=given: str(given[part[1]]), rule.rule)
            found[rule.endpoint] = ("POST" if "POST" in (rule.methods or ()) else "GET", path)
    return found


def ask(client: FlaskClient, routes: Routes, shop: str | None = "there") -> dict[str, int]:
    """The answers' statuses."""
    query = {"shop": shop} if shop else {}
    return {
        name: client.open(path, method=method, query_string=query).status_code
        for name, (method, path) in routes.items()
    }


@pytest.fixture
def for_admins(app: Flask, there: GatewayAccount) -> Routes:
    """Those that a manager of the shop is refused."""
    routes = settings_routes(app, there)
    answers = ask(log_in(app.test_client(), make_user(Role.manager, there.shop)), routes)
    return {name: route for name, route in routes.items() if answers[name] == 403}


def state_of(account: GatewayAccount) -> list[object]:
    db.session.expire_all()
    endpoint = Endpoint.of(account.shop_id)
    assert endpoint is not None
    secrets = [(secret.id, secret.ends_at) for secret in account.secrets]
    alerts = db.session.query(AlertMessage).filter_by(shop_id=account.shop_id).count()
    accounts = [(one.enabled, one.title, one.settings) for one in account.shop.accounts]
    return [accounts, secrets, endpoint.url, endpoint.enabled, alerts]


def test_an_admin_of_another_shop_reaches_no_route_for_admins(
    app: Flask, there: GatewayAccount, for_admins: Routes
) -> None:
    assert len(for_admins) >= 17, sorted(for_admins)
    client, before = log_in(app.test_client(), make_user(Role.admin, make_shop("here"))), state_of(there)
    assert set(ask(client, for_admins).values()) == {404}
    by_id = {name: route for name, route in for_admins.items() if re.search(r"/\d+", route[1])}
    assert len(by_id) >= 8, sorted(by_id)
    assert set(ask(client, by_id, shop=None).values()) == {404}
    assert state_of(there) == before


@pytest.mark.parametrize("role", [Role.admin, Role.owner])
def test_those_who_may_set_a_shop_up_reach_them_all(
    app: Flask, there: GatewayAccount, for_admins: Routes, role: Role
) -> None:
    user = make_user(role, *([there.shop] if role is Role.admin else []))
    answers = ask(log_in(app.test_client(), user), for_admins)
    assert {name for name, status in answers.items() if status in (403, 404)} == {
        "settings.trials.show",  # no test sent that callback
        "settings.secrets.add",  # it does not say which secret
        "settings.keys.check",  # Stripe is not asked about its key
        "settings.people.withdraw",  # the new link has taken that one's place
    }


def test_an_admin_of_two_shops_sets_up_both_and_no_third(client: FlaskClient) -> None:
    shops = [make_shop(slug) for slug in ("one", "two", "three")]
    log_in(client, make_user(Role.admin, *shops[:2]))
    answers = [client.get("/settings/gateways/new", query_string={"shop": shop.slug}).status_code for shop in shops]
    assert answers == [200, 200, 404]


@pytest.mark.parametrize(("role", "seen"), [(Role.admin, False), (Role.owner, True)])
def test_what_strangers_and_the_command_line_did_in_no_shop_is_for_owners(
    app: Flask, client: FlaskClient, role: Role, seen: bool
) -> None:
    shop = make_shop()
    client.post("/login", data={"email": "elsewhere@shop.example", "password": "wrong"})
    app.test_cli_runner().invoke(args=["users", "deactivate", make_user(Role.viewer, make_shop()).email])
    user = make_user(role, *([shop] if role is Role.admin else []))
    page = log_in(client, user).get(f"/activity?shop={shop.slug}").text
    assert ("elsewhere@shop.example" in page) is seen
    assert ("switched a user off</th>" in page) is seen


def test_an_admin_stands_among_the_people_of_their_shops_an_owner_among_those_of_all(app: Flask) -> None:
    here, elsewhere = make_shop(), make_shop()
    admin, owner = make_user(Role.admin, here), make_user(Role.owner)
    assert {user.id for user in User.who_see(here.id)} == {admin.id, owner.id}
    assert {user.id for user in User.who_see(elsewhere.id)} == {owner.id}
    assert (admin.shops, owner.shops) == ([here], Shop.every())


def test_a_role_in_another_shop_opens_nothing_here(app: Flask, there: GatewayAccount) -> None:
    """Whoever is admin there and viewer here is refused whatever is about this shop, looked at from either."""
    user = make_user(Role.viewer, there.shop)
    user.set_rights({there.shop: Role.viewer, make_shop("own"): Role.admin})
    db.session.commit()
    client, viewer = (log_in(app.test_client(), one) for one in (user, make_user(Role.viewer, there.shop)))
    routes, before = routes_about(app, there), state_of(there)
    refused = {name for name, status in ask(viewer, routes).items() if status == 403}
    assert len(refused) > 40
    by_id = {name: routes[name] for name in refused if re.search(r"/\d+", routes[name][1])}
    assert len(by_id) > 30
    client.get("/?shop=own")
    assert {name for name, status in ask(client, by_id, shop=None).items() if status not in (403, 404)} == set()
    assert {name for name, status in ask(client, routes).items() if status == 403} == refused
    assert state_of(there) == before


def routes_about(app: Flask, account: GatewayAccount) -> Routes:
    """Method and address of every route that is about something of the account's shop."""
    callback = make_callback(account, message(make_order(account.shop)))
    found = settings_routes(app, account)
    for rule in app.url_map.iter_rules():
        folder = rule.rule.split("/")[1]
        if folder in ("callbacks", "orders", "bulk") and rule.arguments == {"id_"}:
            path = re.sub(r"<(?:\w+:)?(\w+)>", str(1 if folder == "orders" else callback.id), rule.rule)
            found[rule.endpoint] = ("POST" if "POST" in (rule.methods or ()) else "GET", path)
    return found


@pytest.fixture
def two(app: Flask) -> tuple[Shop, FlaskClient]:
    """Two shops of one manager, with two callbacks that need a person and with one; and she, looking at the first."""
    first, second = make_shop("first"), make_shop("second")
    for shop in (first, first, second):
        make_callback(make_account(shop), message(make_order(shop), money=Money(1, "EUR")))
    process()
    client = log_in(app.test_client(), make_user(Role.manager, first, second))
    client.get("/?shop=first")
    return first, client


def test_what_a_page_sends_is_about_the_shop_of_that_page(two: tuple[Shop, FlaskClient]) -> None:
    """Asked in one tab, and confirmed behind a look at another shop in a second tab: all that match, too."""
    first, client = two
    asked = client.get("/bulk/new?verb=remove&all=1").text
    sent = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', asked))
    client.get("/?shop=second")
    assert client.post("/bulk", data={**sent, "why": "not ours"}).status_code == 303
    run = db.session.scalars(select(BulkRun)).one()
    assert (run.shop_id, run.total) == (first.id, 2)


def test_what_a_page_asks_by_itself_is_about_its_own_shop_and_changes_no_other_tab(
    two: tuple[Shop, FlaskClient],
) -> None:
    _, client = two
    assert '"X-Shop": "first"' in client.get("/").text
    client.get("/?shop=second")
    of_the_first = client.get("/queue/count", headers={"HX-Request": "true", "X-Shop": "first"}).text
    of_the_second = client.get("/queue/count", headers={"HX-Request": "true"}).text
    assert [re.findall(r">\(?(\d+)\)?<", text) for text in (of_the_first, of_the_second)] == [["2"], ["1"]]


@pytest.mark.parametrize("how", [{"data": {"shop": "strange"}}, {"headers": {"X-Shop": "strange"}}])
def test_what_a_page_sends_of_a_shop_that_one_does_not_see_is_not_found(
    two: tuple[Shop, FlaskClient], how: dict[str, Any]
) -> None:
    _, client = two
    make_shop("strange")
    assert client.post("/bulk", **how).status_code == 404
