"""Settings > API tokens: made, shown once, replaced with an overlap, ended."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from shopcallbacks.clock import utcnow
from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import Shop
from shopcallbacks.shops.tokens import ApiToken
from shopcallbacks.shops.users import Role

from ...factories import log_in, make_shop, make_token, make_user

TOKENS = "/settings/tokens"


@pytest.fixture
def shop(client: FlaskClient) -> Shop:
    """A shop whose admin is logged in."""
    shop = make_shop()
    log_in(client, make_user(Role.admin, shop))
    return shop


def text_in(page: str) -> str:
    found = re.search(r'value="(sc_[^"]+)"', page)
    assert found is not None
    return found[1]


def works(client: FlaskClient, text: str) -> bool:
    return client.get("/api/events", headers={"Authorization": f"Bearer {text}"}).status_code == 200


def test_a_token_is_made_shown_once_and_works(client: FlaskClient, shop: Shop) -> None:
    made = client.post(TOKENS, data={"name": "till", "scope": ["orders", "feed"]})
    text = text_in(made.text)
    assert works(client, text)
    page = client.get(TOKENS).text
    assert text not in page
    assert "May hand orders in and look at them, follow the changes of orders. Last used about" in page
    assert "made an API token" in client.get("/activity").text


def test_a_token_without_a_name_is_not_made_and_what_was_ticked_stays(client: FlaskClient, shop: Shop) -> None:
    refused = client.post(TOKENS, data={"name": "", "scope": "callbacks:act"})
    assert (refused.status_code, "Name the token after the program" in refused.text) == (422, True)
    assert re.findall(r'value="([\w:]+)" checked', refused.text) == ["callbacks:act"]
    assert ApiToken.of(shop.id) == []


def test_a_token_is_replaced_with_an_overlap_and_ended(client: FlaskClient, shop: Shop) -> None:
    old = make_token(shop, name="till")
    new = text_in(client.post(f"{TOKENS}/1/replacement", data={"former": "day"}).text)
    assert [works(client, text) for text in (old, new)] == [True, True]
    assert "in use until" in client.get(TOKENS).text
    client.post(f"{TOKENS}/1/end", data={"when": "now"})
    assert "1 ended" in client.get(TOKENS).text
    assert [works(client, text) for text in (old, new)] == [False, True]
    client.post(f"{TOKENS}/2/end", data={"ends_at": "2099-01-01T10:00"})
    token = db.session.get_one(ApiToken, 2)
    assert token.ends_at is not None
    assert token.ends_at > utcnow()


@pytest.mark.parametrize("form", [{"ends_at": "soon"}, {}])
def test_an_end_that_is_no_time_changes_nothing(client: FlaskClient, shop: Shop, form: dict[str, str]) -> None:
    text = make_token(shop)
    client.post(f"{TOKENS}/1/end", data=form)
    assert "as date and time" in client.get(TOKENS).text
    assert works(client, text)


def test_managers_read_the_list_and_change_nothing(client: FlaskClient) -> None:
    shop = make_shop()
    make_token(shop, name="till")
    log_in(client, make_user(Role.manager, shop))
    page = client.get(TOKENS).text
    assert ("till" in page, f'action="{TOKENS}' in page) == (True, False)
    for path in ("", "/1/replacement", "/1/end"):
        assert client.post(TOKENS + path).status_code == 403


def test_another_shops_token_does_not_exist(client: FlaskClient, shop: Shop) -> None:
    text = make_token(make_shop())
    assert {client.post(f"{TOKENS}/1/{what}").status_code for what in ("replacement", "end")} == {404}
    assert works(client, text)
