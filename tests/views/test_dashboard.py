"""The dashboard and its widget."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient

from shopcallbacks.clock import utcnow
from shopcallbacks.dashboard.pulse import Pulse
from shopcallbacks.domain.states import Verb
from shopcallbacks.domain.values import Money, Outcome
from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.users import Role, User

from ..factories import log_in, made_at, make_account, make_callback, make_order, make_shop, make_user, message, process
from ..processing.saying import say


@pytest.fixture
def account(client: FlaskClient) -> GatewayAccount:
    """Of a shop whose viewer is logged in, its worker alive."""
    account = make_account(slug="stripe")
    log_in(client, make_user(Role.viewer, account.shop))
    Pulse.beat("callbacks")
    db.session.commit()
    return account


def wrong_amount(account: GatewayAccount, minor: int = 5990) -> None:
    make_callback(account, message(make_order(account.shop, minor=minor), money=Money(1, "EUR")))
    process()


def test_without_a_gateway_there_are_five_steps(client: FlaskClient) -> None:
    log_in(client, make_user(Role.manager, make_shop()))
    html = client.get("/").text
    assert "Add a gateway" in html
    assert 'class="done"' not in html


def test_the_steps_are_ticked_and_the_address_is_for_admins_only(client: FlaskClient, account: GatewayAccount) -> None:
    html = client.get("/").text
    assert 'class="done"' in html
    assert account.token not in html
    client.post("/logout")
    log_in(client, make_user(Role.owner))
    assert account.callback_url in client.get("/").text


def test_the_first_callback_takes_the_steps_place(client: FlaskClient, account: GatewayAccount) -> None:
    assert "Have the gateway send a test" in client.get("/first").text
    make_callback(account, message())
    assert client.get("/first").headers["HX-Redirect"] == "/"
    assert "From callback to order" in client.get("/").text


def test_nothing_unprocessed_is_one_calm_line(client: FlaskClient, account: GatewayAccount) -> None:
    make_callback(account, message(make_order(account.shop)))
    process()
    html = client.get("/").text
    assert "All callbacks are processed." in html
    assert "ago, Stripe." in html
    assert "queue-loud" not in html
    assert "count-loud" not in html


def test_what_needs_a_person_is_counted_with_what_is_at_stake(client: FlaskClient, account: GatewayAccount) -> None:
    wrong_amount(account)
    wrong_amount(account, minor=1000)
    html = client.get("/queue").text
    assert "Review 2 callbacks" in html
    assert '<span class="money">69.90 EUR</span> waiting on a decision' in html
    assert "2 orders can still be opened" in html
    assert "Amount differs from the order" in html
    assert "/callbacks?tab=decide&amp;reason=amount_mismatch" in html
    assert 'hx-target="#waiting-count"' in html, "the count on the tab follows"


def test_zero_is_green_only_while_a_worker_is_alive(client: FlaskClient, account: GatewayAccount) -> None:
    make_callback(account, message(make_order(account.shop)))
    process()
    db.session.get_one(Pulse, "callbacks").seen_at = utcnow() - timedelta(minutes=4)
    db.session.commit()
    html = client.get("/queue").text
    assert "The worker has not been seen for 4 min: no callback is waiting, nothing is lost." in html
    assert "All callbacks are processed" not in html
    assert "dot-green" not in html


def test_a_dead_workers_callbacks_are_counted_first(client: FlaskClient, account: GatewayAccount) -> None:
    db.session.get_one(Pulse, "callbacks").seen_at = utcnow() - timedelta(minutes=4)
    db.session.commit()
    for _ in range(2):
        make_callback(account, message())
    html = client.get("/queue").text
    assert "The worker has not been seen for 4 min: 2 callbacks are waiting, nothing is lost." in html


def test_the_widget_is_the_pages_own_include(client: FlaskClient, account: GatewayAccount) -> None:
    wrong_amount(account)
    page, part = client.get("/").text, client.get("/queue").text
    start = 'id="queue"'
    assert page.count(start) == part.count(start) == 1
    assert "<html" not in part


def test_every_hour_is_in_the_table_and_on_the_chart(client: FlaskClient, account: GatewayAccount) -> None:
    wrong_amount(account)
    html = client.get("/").text
    table = html[html.index('id="results-table"') :]
    assert table[: table.index("</table>")].count('<th scope="row">') == 24
    assert html.count('class="chart-bar"') == 24
    assert html.count('tabindex="0" aria-label=') == 1, "one stop for Tab"
    assert "0 processed, 1 unprocessed, 0 invalid" in html


def test_by_day_there_are_thirty(client: FlaskClient, account: GatewayAccount) -> None:
    wrong_amount(account)
    page, part = client.get("/?by=days").text, client.get("/results?by=days").text
    for html in (page, part):
        assert html.count('class="chart-bar"') == 30
        assert "Callbacks per day" in html
    assert "<html" not in part


def test_a_day_has_the_name_of_the_shops_clock_wherever_it_is_read(
    client: FlaskClient, account: GatewayAccount
) -> None:
    wrong_amount(account)
    account.shop.time_zone = "Europe/Vilnius"
    db.session.scalars(db.select(User)).one().preferences = {"time_zone": "America/New_York"}
    db.session.commit()
    today = utcnow().astimezone(ZoneInfo("Europe/Vilnius"))
    assert f'aria-label="{today:%a} {today.day} {today:%b}: 0 processed, 1 unprocessed' in client.get("/?by=days").text


@pytest.mark.parametrize("by", ["", "years", "d" * 4000])
def test_a_period_there_is_not_is_the_usual_one(client: FlaskClient, account: GatewayAccount, by: str) -> None:
    wrong_amount(account)
    assert "Callbacks per hour" in client.get("/", query_string={"by": by}).text


def test_what_each_gateway_got_accepted_is_a_line(client: FlaskClient, account: GatewayAccount) -> None:
    wrong_amount(account)
    make_callback(account, message(make_order(account.shop)))
    process()
    assert "<strong>50.0 %</strong>" in client.get("/").text


def test_all_orders_nobody_called_about_are_a_list(client: FlaskClient, account: GatewayAccount) -> None:
    wrong_amount(account)
    order = make_order(account.shop, "251123-silent")
    made_at(order, order.created_at - timedelta(minutes=51))
    make_order(account.shop, "251123-fresh")
    db.session.commit()
    assert "/orders?unheard=1" in client.get("/").text
    html = client.get("/orders?unheard=1").text
    assert "251123-silent" in html
    assert "251123-fresh" not in html
    assert "ask the gateway to send the callback again" in html


def test_an_order_nobody_called_about_is_named(client: FlaskClient, account: GatewayAccount) -> None:
    wrong_amount(account)
    order = make_order(account.shop, "251123-silent")
    made_at(order, order.created_at - timedelta(minutes=51))
    html = client.get("/").text
    assert "251123-silent" in html
    assert "51 min" in html


def test_a_card_number_is_starred_wherever_the_queue_the_order_and_the_acts_tell_of_it(
    client: FlaskClient, account: GatewayAccount
) -> None:
    order = make_order(account.shop)
    paid = make_callback(account, message(order, transaction_id="5500005555555559"))
    lost = make_callback(account, message("5500005555555559"))
    process()
    lost.due_at = lost.due_kind = None
    lost.do(Verb.remove, make_user(Role.manager, account.shop), "card 5500 0055 5555 5559")
    lost.do(Verb.restore, None)
    db.session.commit()
    client.post("/views", data={"name": "5500005555555559", "filter": "tab=all"})
    pages = ("/", "/callbacks", "/callbacks/causes", f"/orders/{order.id}", f"/callbacks/{paid.id}", "/activity")
    for path in pages:
        page = client.get(path).text
        assert "5559" in page, path
        assert "55000055" not in page, path
        assert "5500 0055" not in page, path


def test_disputes_are_told_with_those_to_be_answered_soon(client: FlaskClient, saying: None) -> None:
    shop = make_shop()
    account = GatewayAccount.add(shop, "saying", "saying", {})
    db.session.commit()
    log_in(client, make_user(Role.viewer, shop))
    assert "dispute" not in client.get("/undecided").text
    for days in (2, 9, None):
        order, transaction = make_order(shop), f"pi_{days}"
        answer_by = utcnow() + timedelta(days=days) if days else None
        say(account, message(order, transaction_id=transaction))
        say(account, message(order, Outcome.disputed, transaction_id=transaction, answer_by=answer_by))
    process()
    html = client.get("/undecided").text
    assert "3 disputes to answer, <strong>1 within 3 days</strong>" in html
    assert "/orders?disputed=1" in html


def test_of_many_gateways_six_are_shown_those_with_something_wrong_first(
    client: FlaskClient, account: GatewayAccount
) -> None:
    quiet = [make_account(account.shop) for _ in range(6)]
    off = make_account(account.shop)
    off.title = "Off and away"
    off.disable()
    db.session.commit()
    card = client.get("/gateways").text
    shown, _, more = card.partition("<details")
    assert shown.count('<li class="gateway">') == 6
    assert shown.index("Off and away") < shown.index(quiet[0].title)
    assert "and 2 more, with nothing wrong" in more
    for one in quiet:
        one.disable()
    db.session.commit()
    shown, _, more = client.get("/gateways").text.partition("<details")
    assert shown.count('<li class="gateway">') == 6
    assert "and 2 more, 1 of them silent or failing" in more
