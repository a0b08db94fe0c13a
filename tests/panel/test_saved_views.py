"""Saved views: a filter under a name, each user's own in each shop."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from shopcallbacks.extensions import db
from shopcallbacks.panel.filter import Filter
from shopcallbacks.panel.saved_views import MOST, SavedView
from shopcallbacks.shops.accounts import Shop
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.users import Role, User

from ..factories import log_in, make_account, make_shop, make_user


@pytest.fixture
def shop(app: object) -> Shop:
    return make_account(slug="stripe").shop


@pytest.fixture
def viewer(shop: Shop, client: FlaskClient) -> User:
    user = make_user(Role.viewer, shop)
    log_in(client, user)
    return user


def views(user: User, shop: Shop) -> dict[str, str]:
    return {view.name: view.query for view in SavedView.own(user, shop)}


def post(client: FlaskClient, address: str, data: dict[str, str]) -> str:
    """The page it leads back to."""
    response = client.post(address, data=data)
    assert response.status_code == 303
    return client.get(response.location).text


def save(client: FlaskClient, name: str, filter_: str = "account=stripe&reason=unclear") -> str:
    """What the panel says after it."""
    return post(client, "/views", {"name": name, "filter": filter_})


def test_what_is_shown_is_saved_under_a_name_and_marked_where_it_is_open(
    client: FlaskClient, shop: Shop, viewer: User
) -> None:
    page = save(client, " Night   shift ", "sort=-amount&account=stripe&q=a+b&shop=elsewhere")
    assert views(viewer, shop) == {"Night shift": "account=stripe&q=a+b&sort=-amount"}
    assert "Saved as “Night shift”." in page
    assert 'href="/callbacks?account=stripe&amp;q=a+b&amp;sort=-amount" aria-current="true">Night shift</a>' in page
    elsewhere = client.get("/callbacks").text
    assert ">Night shift</a>" in elsewhere
    assert 'aria-current="true">Night shift' not in elsewhere
    assert db.session.query(Activity).filter_by(verb="save view", user_id=viewer.id).one().what == "Night shift"


def test_the_same_name_is_saved_over(client: FlaskClient, shop: Shop, viewer: User) -> None:
    save(client, "Night")
    save(client, "NIGHT", "tab=invalid")
    assert views(viewer, shop) == {"NIGHT": "tab=invalid"}


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "a\u202eb"])
def test_a_name_that_is_none_is_a_sentence(client: FlaskClient, shop: Shop, viewer: User, name: str) -> None:
    page = save(client, name)
    assert "Give the view a name." in page or "That is no name for a view" in page
    assert 'value="unclear" selected' in page  # the filter is still there
    assert views(viewer, shop) == {}


def test_nothing_posted_is_a_sentence(client: FlaskClient, viewer: User) -> None:
    assert "Give the view a name." in post(client, "/views", {})


def test_a_forged_filter_keeps_only_what_is_known(client: FlaskClient, shop: Shop, viewer: User) -> None:
    save(client, "Odd", "tab=gone&account=theirs&from=yesterday&q=%00&reason=unclear&%ff=%fe&&&=")
    assert views(viewer, shop) == {"Odd": "reason=unclear"}


def test_a_filter_too_long_to_keep_is_a_sentence(client: FlaskClient, shop: Shop, viewer: User) -> None:
    assert "too long to be saved" in save(client, "Long", f"order={'%E5%AE%9A' * 150}&q={'%E5%AE%9A' * 150}")
    assert views(viewer, shop) == {}


def test_what_was_kept_by_an_older_version_still_opens(client: FlaskClient, shop: Shop, viewer: User) -> None:
    db.session.add(
        SavedView(user_id=viewer.id, shop_id=shop.id, name="Old", query="tab=lost&account=sold&reason=crashed")
    )
    db.session.commit()
    page = client.get("/callbacks").text
    assert 'href="/callbacks?reason=crashed">Old</a>' in page


def test_there_are_no_more_than_can_be_told_apart(client: FlaskClient, shop: Shop, viewer: User) -> None:
    for number in range(MOST):
        SavedView.save(f"View {number}", Filter(), viewer, shop)
    db.session.commit()
    assert f"You have {MOST} views here already" in save(client, "One more")
    save(client, "View 3", "tab=invalid")
    assert len(views(viewer, shop)) == MOST
    assert views(viewer, shop)["View 3"] == "tab=invalid"


def test_a_view_is_renamed_but_not_into_another(client: FlaskClient, shop: Shop, viewer: User) -> None:
    save(client, "Night")
    save(client, "Day", "tab=all")
    id_ = next(view.id for view in SavedView.own(viewer, shop) if view.name == "Night")
    page = post(client, f"/views/{id_}/name", {"name": "day"})
    assert "You have a view “Day” already." in page
    client.post(f"/views/{id_}/name", data={"name": "night"})
    assert views(viewer, shop) == {"Day": "tab=all", "night": "account=stripe&reason=unclear"}


def test_a_removed_view_leaves_its_filter_on_the_panel(client: FlaskClient, shop: Shop, viewer: User) -> None:
    save(client, "Night")
    (view,) = SavedView.own(viewer, shop)
    response = client.post(f"/views/{view.id}/removal")
    assert response.location == "/callbacks?account=stripe&reason=unclear"
    assert views(viewer, shop) == {}


def test_a_view_is_the_users_own_in_that_shop(client: FlaskClient, shop: Shop, viewer: User) -> None:
    save(client, "Night")
    (view,) = SavedView.own(viewer, shop)
    other = make_shop()
    log_in(client, make_user(Role.manager, shop, other))
    assert ">Night</a>" not in client.get(f"/callbacks?shop={shop.slug}").text
    assert client.post(f"/views/{view.id}/removal").status_code == 404
    assert client.post(f"/views/{view.id}/name", data={"name": "Mine"}).status_code == 404
    client.post(f"/views?shop={other.slug}", data={"name": "Theirs", "filter": "tab=all"})
    assert ">Theirs</a>" not in client.get(f"/callbacks?shop={shop.slug}").text
    assert ">Theirs</a>" in client.get(f"/callbacks?shop={other.slug}").text


def test_a_shared_view_is_seen_by_all_of_the_shop_and_changed_by_its_owner_only(
    client: FlaskClient, shop: Shop, viewer: User
) -> None:
    post(client, "/views", {"name": "Night", "filter": "reason=unclear", "shared": "1"})
    save(client, "Mine alone")
    (view,) = (view for view in SavedView.own(viewer, shop) if view.name == "Night")
    client.post("/logout")
    log_in(client, make_user(Role.manager, shop))
    page = client.get("/callbacks").text
    assert ">Night</a>" in page
    assert "Mine alone" not in page
    assert client.post(f"/views/{view.id}/removal").status_code == 404
    assert "Save view" in client.get("/callbacks?reason=unclear").text
