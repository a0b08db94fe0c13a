"""What a user likes: kept, read back whatever it holds, and followed by the pages."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from shopcallbacks.clock import utcnow
from shopcallbacks.domain.states import Column
from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import Shop
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.preferences import Density, Preferences, Unknown, zones
from shopcallbacks.shops.users import Role, User

from ..factories import log_in, make_account, make_callback, make_order, make_shop, make_user, message, process

GERMAN = {
    "time_zone": "Asia/Tokyo",
    "locale": "de",
    "times": "exact",
    "density": "compact",
    "column": ["age", "account"],
    "letters": "off",
}


@pytest.fixture
def shop(app: object) -> Shop:
    return make_shop()


@pytest.fixture
def viewer(shop: Shop, client: FlaskClient) -> User:
    user = make_user(Role.viewer, shop)
    log_in(client, user)
    return user


_anything = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), st.lists, max_leaves=4)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*Preferences().kept, "gone"]), _anything))
def test_whatever_was_kept_is_read(kept: dict[str, Any]) -> None:
    read = Preferences.read(kept)
    assert Preferences.read(read.kept) == read


def test_only_what_can_not_be_chosen_any_more_is_as_usual() -> None:
    read = Preferences.read({"locale": "xx", "time_zone": "Europe/Berlin", "columns": ["amount", "age"]})
    assert read == Preferences(time_zone="Europe/Berlin", columns=(Column.age, Column.amount))


@pytest.mark.parametrize(
    "choice",
    [
        {"time_zone": "Europe/Nowhere"},
        {"locale": "xx"},
        {"density": "tiny"},
        {"columns": ["salary"]},
        {"colour": "red"},
    ],
)
def test_what_can_not_be_chosen_is_refused_with_a_sentence(choice: dict[str, Any]) -> None:
    with pytest.raises(Unknown, match=r"\.$"):
        Preferences().but(**choice)


def test_zones_are_places_by_region() -> None:
    assert "Europe/Vilnius" in zones()["Europe"]
    assert not {"Etc", "posix", "right", "US"} & set(zones())


def test_own_settings_are_kept_and_told_among_the_acts(client: FlaskClient, viewer: User) -> None:
    assert client.post("/preferences", data=GERMAN).status_code == 303
    assert viewer.prefers == Preferences(
        "Asia/Tokyo", "de", True, Density.compact, columns=(Column.age, Column.account), letters=False
    )
    acts = db.session.query(Activity).filter_by(user_id=viewer.id).order_by(Activity.id)
    assert [act.verb for act in acts][-1] == "own settings"
    page = client.get("/preferences").text
    assert '<option value="Asia/Tokyo" selected>' in page
    assert 'name="column" value="account" checked' in page


@pytest.mark.parametrize(
    "wrong",
    [
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "Europe/\x01Berlin"},
        {"locale": ""},
        {"locale": "x" * 10_000},
        {"density": ["tiny", "compact"]},
        {"column": ["age", "\udcff"]},
    ],
    ids=range(6),
)
def test_bad_own_settings_are_a_sentence_and_change_nothing(
    client: FlaskClient, viewer: User, wrong: dict[str, Any]
) -> None:
    before = viewer.prefers
    body = {**GERMAN, **wrong}
    response = client.post("/preferences", data={name: _sent(value) for name, value in body.items()})
    assert (response.status_code, "Not saved: " in response.text) == (422, True)
    assert viewer.prefers == before


def _sent(value: Any) -> Any:
    if isinstance(value, list):
        return [_sent(one) for one in value]
    return value.encode(errors="surrogateescape").decode("latin-1")


def test_the_panel_follows_zone_format_and_exact_times(client: FlaskClient, shop: Shop, viewer: User) -> None:
    account = make_account(shop)
    callback = make_callback(account, message(make_order(shop, minor=142000)))
    process()
    plain = client.get("/callbacks?tab=all").text
    assert "1,420.00 EUR" in plain
    assert "Age" in plain
    client.post("/preferences", data={**GERMAN, "column": ["age", "amount"]})
    page = client.get("/callbacks?tab=all").text
    assert "1.420,00 EUR" in page
    assert viewer.prefers.format("UTC").clock(callback.received_at) in page
    assert "Arrived" in page


@pytest.mark.parametrize("sort", ["age", "-age"])
def test_the_first_to_arrive_has_the_greatest_age_and_the_least_time(
    client: FlaskClient, shop: Shop, viewer: User, sort: str
) -> None:
    def sorted_as() -> str:
        (found,) = re.findall('aria-sort="([a-z]+)"', client.get(f"/callbacks?tab=all&sort={sort}").text)
        return found

    make_callback(make_account(shop), message(make_order(shop)))
    ages, times = {"age": ("ascending", "descending"), "-age": ("descending", "ascending")}[sort]
    assert sorted_as() == ages
    client.post("/preferences", data={**GERMAN, "column": ["age", "amount"]})
    assert sorted_as() == times


def test_sentences_made_of_times_follow_too(client: FlaskClient, shop: Shop, viewer: User) -> None:
    account = make_account(shop)
    callback = make_callback(account, message(make_order(shop, minor=142000)))
    process()
    client.post("/preferences", data={**GERMAN, "time_zone": "Asia/Kathmandu"})
    settled = callback.attempts[-1].at
    page = client.get(f"/callbacks/{callback.id}").text
    assert f"By itself, {viewer.prefers.format('UTC').clock(settled)}" in page
    assert "1.420,00 EUR" in page
    assert "1,420.00" not in page


def test_two_people_read_the_same_callback_each_in_their_own_format(
    client: FlaskClient, shop: Shop, viewer: User
) -> None:
    make_callback(make_account(shop), message(make_order(shop, minor=142000)))
    process()
    client.post("/preferences", data=GERMAN)
    client.post("/logout")
    log_in(client, make_user(Role.manager, shop))
    assert "1,420.00 EUR" in client.get("/callbacks?tab=all").text


def test_rows_are_made_compact_from_the_panel_and_it_comes_back_as_it_was(client: FlaskClient, viewer: User) -> None:
    response = client.post("/preferences/density", data={"density": "compact", "back": "/callbacks?tab=all"})
    assert (response.status_code, response.location) == (303, "/callbacks?tab=all")
    assert viewer.prefers.density is Density.compact
    elsewhere = client.post("/preferences/density", data={"density": "compact", "back": "//elsewhere.example/"})
    assert elsewhere.location == "/callbacks"


def test_a_density_that_is_none_is_a_sentence(client: FlaskClient, viewer: User) -> None:
    client.post("/preferences/density", data={"density": "tiny"})
    assert "Rows can be comfortable or compact, not “tiny”." in client.get("/callbacks").text
    assert viewer.prefers.density is Density.comfortable


def test_columns_are_chosen_and_stand_in_one_order(client: FlaskClient, shop: Shop, viewer: User) -> None:
    order = make_order(shop, customer_email="ann@example.com")
    make_callback(make_account(shop), message(order, transaction_id="pi_seen"))
    process()
    assert "pi_seen" not in client.get("/callbacks?tab=all").text
    client.post("/preferences/columns", data={"column": ["attempts", "transaction", "customer", "transaction"]})
    assert viewer.prefers.columns == (Column.transaction, Column.customer, Column.attempts)
    page = client.get("/callbacks?tab=all").text
    assert "pi_seen" in page
    assert "ann@example.com" in page
    assert 'class="call-age"' not in page
    assert 'class="money call-amount"' not in page
    assert page.count('scope="col"') == 6  # order, three of them, why, what can be done


def test_no_column_at_all_leaves_order_why_and_acts(client: FlaskClient, shop: Shop, viewer: User) -> None:
    make_callback(make_account(shop), message(make_order(shop)))
    process()
    client.post("/preferences/columns", data={})
    page = client.get("/callbacks?tab=all").text
    assert viewer.prefers.columns == ()
    assert page.count('scope="col"') == 3


def test_a_time_that_is_typed_stays_in_the_shops_zone(client: FlaskClient, shop: Shop) -> None:
    account = make_account(shop)
    admin = make_user(Role.owner)
    log_in(client, admin)
    client.post("/preferences", data=GERMAN)
    page = client.get(f"/settings/gateways/{account.id}?shop={shop.slug}").text
    assert "(UTC)" in page
    offered = re.search(r'type="datetime-local"[^>]* value="([^"]+)"', page)
    assert offered is not None
    tomorrow = utcnow().replace(tzinfo=None) + timedelta(days=1)
    assert abs(datetime.fromisoformat(offered[1]) - tomorrow) < timedelta(hours=1)  # Tokyo is nine ahead
