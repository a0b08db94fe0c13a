"""One order's page, and what a person says of the order there."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.domain.money import Life
from shopcallbacks.domain.states import Effect, OrderState, Verb
from shopcallbacks.domain.values import Money, Outcome
from shopcallbacks.extensions import db
from shopcallbacks.orders.order import Order
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.users import Role

from ..factories import log_in, made_at, make_order, make_shop, make_user, message, process
from ..processing.saying import say

HTMX = {"HX-Request": "true"}


@pytest.fixture
def account(client: FlaskClient, saying: None) -> GatewayAccount:
    """Of a shop whose manager is logged in."""
    shop = make_shop()
    account = GatewayAccount.add(shop, "saying", "saying", {})
    db.session.commit()
    log_in(client, make_user(Role.manager, shop))
    return account


def hear(account: GatewayAccount, order: Order, outcome: Outcome = Outcome.paid, **more: Any) -> Callback:
    id_ = say(account, message(order, outcome, **{"transaction_id": "pi_1", **more}))
    process()
    return db.session.get_one(Callback, id_)


def text_of(html: str) -> str:
    """What is read, without its marks."""
    return " ".join(re.sub(r"<[^>]+>", " ", html[html.index("<main") :]).split())


def page(client: FlaskClient, order: Order) -> str:
    return text_of(client.get(f"/orders/{order.id}").text)


def owed(account: GatewayAccount, currency: str = "EUR") -> Order:
    order = make_order(account.shop)
    hear(account, order)
    late = hear(account, order, transaction_id="pi_2", money=Money(5990, currency))
    late.do(Verb.owe, None, "paid twice")
    process()
    return order


def test_money_that_waits_for_a_decision_is_never_no_money(client: FlaskClient, account: GatewayAccount) -> None:
    order = make_order(account.shop)
    callback = hear(account, order, money=Money(990, "EUR"))
    told = page(client, order)
    assert "No money has come in" not in told
    assert "1 callback waits for a decision 9.90 EUR came in and is not booked yet" in told
    assert f'href="/callbacks/{callback.id}">Decide' in client.get(f"/orders/{order.id}").text


def test_what_a_viewer_can_do_about_it_is_look(client: FlaskClient, account: GatewayAccount) -> None:
    order = owed(account)
    hear(account, order, transaction_id="pi_3")
    client.post("/logout")
    log_in(client, make_user(Role.viewer, account.shop))
    html = client.get(f"/orders/{order.id}").text
    assert (">Look<" in html, ">Decide<" in html, "Given back…" in html) == (True, False, False)
    for noun in ("settlement", "completion", "try-end"):
        assert client.post(f"/orders/{order.id}/{noun}", data={"why": "x"}).status_code == 403


def test_without_any_payment_no_money_has_come_in(client: FlaskClient, account: GatewayAccount) -> None:
    assert "No money has come in" in page(client, make_order(account.shop))


def test_a_payment_tells_what_was_taken_given_back_kept_and_by_which_bookings(
    client: FlaskClient, account: GatewayAccount
) -> None:
    order = make_order(account.shop)
    hear(account, order)
    hear(account, order, Outcome.refunded, money=Money(990, "EUR"), movement="re_1")
    told = page(client, order)
    assert "Total 59.90 EUR Paid 59.90 EUR Given back 9.90 EUR Kept 50.00 EUR" in told
    assert "Came in 59.90 EUR Taken 59.90 EUR Given back 9.90 EUR Kept 50.00 EUR" in told
    assert "Payment 59.90 EUR taken" in told
    assert "Refund 9.90 EUR given back" in told


def test_what_was_lost_is_told(client: FlaskClient, account: GatewayAccount) -> None:
    order = make_order(account.shop)
    hear(account, order)
    hear(account, order, Outcome.refunded, movement="re_1")
    hear(account, order, Outcome.charged_back, movement="dp_1")
    assert "Given back 119.80 EUR Kept 0.00 EUR Lost 59.90 EUR" in page(client, order)


def test_what_is_owed_is_told_in_each_currency(client: FlaskClient, account: GatewayAccount) -> None:
    order = owed(account)
    hear(account, order, transaction_id="pi_3", money=Money(7000, "USD")).do(Verb.owe, None, "paid thrice")
    process()
    assert "59.90 EUR + 70.00 USD are owed back to the customer" in page(client, order)


@pytest.mark.parametrize(
    ("answer_by", "sentence"), [(date(2026, 12, 3), "Answer until 3 Dec 2026"), (None, "Answer in the gateway")]
)
def test_a_dispute_says_until_when_it_is_to_be_answered(
    client: FlaskClient, account: GatewayAccount, answer_by: date | None, sentence: str
) -> None:
    order = make_order(account.shop)
    hear(account, order)
    hear(account, order, Outcome.disputed, answer_by=answer_by)
    told = page(client, order)
    assert "a payment is disputed" in told
    assert sentence in told


def test_the_dashboard_names_the_day_that_the_gateway_named(client: FlaskClient, account: GatewayAccount) -> None:
    """A day is one anywhere, whatever the shop's clock makes of its last moment in another zone."""
    account.shop.time_zone = "Europe/Kyiv"
    order = make_order(account.shop)
    hear(account, order)
    hear(account, order, Outcome.disputed, answer_by=date(2126, 12, 3))
    assert "the first until 3 Dec 2126" in text_of("<main" + client.get("/undecided").text)


def test_an_order_that_waits_for_the_rest_of_its_parts_says_how_much(
    client: FlaskClient, account: GatewayAccount
) -> None:
    account.shop.parts = True
    order = make_order(account.shop)
    hear(account, order, money=Money(1990, "EUR"))
    told = page(client, order)
    assert "part paid" in told
    assert "19.90 EUR of it is paid , 40.00 EUR to come" in told


# What a person says of it


def asked(client: FlaskClient, order: Order, noun: str, **more: Any) -> str:
    return text_of("<main" + client.get(f"/orders/{order.id}/{noun}", query_string=more, headers=HTMX).text)


def test_the_question_tells_what_comes_of_it_by_the_rules_that_do_it(
    client: FlaskClient, account: GatewayAccount
) -> None:
    account.shop.parts = True
    part = make_order(account.shop)
    hear(account, part, money=Money(1990, "EUR"), transaction_id="pi_3")
    assert "Owed back: 59.90 EUR → nothing" in asked(client, owed(account), "settlement")
    told = asked(client, part, "completion")
    for change in ("awaiting payment → open", "Still needed: 40.00 EUR → 0.00 EUR", "Waived: 0.00 EUR → 40.00 EUR"):
        assert change in told
    assert part.state is OrderState.awaiting_payment


def test_what_is_owed_was_given_back(client: FlaskClient, account: GatewayAccount) -> None:
    order = owed(account)
    client.post(f"/orders/{order.id}/settlement", data={"why": "by bank"})
    assert f"What was owed of order {order.number} is given back." in page(client, order)
    assert (order.owes, order.events[-1].kind) == (False, Effect.settled)
    assert "Given back by hand 59.90 EUR" in page(client, order)


def test_a_part_is_all(client: FlaskClient, account: GatewayAccount) -> None:
    account.shop.parts = True
    order = make_order(account.shop)
    hear(account, order, money=Money(1990, "EUR"))
    client.post(f"/orders/{order.id}/completion", data={"why": "a good customer"})
    assert (order.state, order.need.minor, order.waived.minor) == (OrderState.open, 0, 4000)
    assert "Waived 40.00 EUR" in page(client, order)


@pytest.mark.parametrize("transaction", ["pi_1", None])
def test_a_try_that_will_never_end_is_ended(
    client: FlaskClient, account: GatewayAccount, transaction: str | None
) -> None:
    order = make_order(account.shop)
    hear(account, order, Outcome.pending, transaction_id=transaction)
    html = client.get(f"/orders/{order.id}").text
    address = re.search(rf'href="(/orders/{order.id}/try-end[^"]+)"', html)
    assert address is not None
    form = client.get(address[1].replace("&amp;", "&"), headers=HTMX).text
    data = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    assert client.post(f"/orders/{order.id}/try-end", data={**data, "why": "she called"}).status_code == 303
    assert (order.payments[0].life, order.state) == (Life.ended, OrderState.awaiting_payment)
    act = db.session.query(Activity).where(Activity.order_id == order.id).one()
    assert (act.verb, act.why) == ("end try", "she called")


@pytest.mark.parametrize("noun", ["settlement", "completion", "try-end"])
def test_a_word_that_does_not_fit_any_more_is_refused_and_says_so(
    client: FlaskClient, account: GatewayAccount, noun: str
) -> None:
    order = make_order(account.shop)
    assert "Nothing is to be done." in asked(client, order, noun)
    assert client.post(f"/orders/{order.id}/{noun}", data={"why": "x"}).status_code == 422
    assert [event.kind for event in order.events] == ["created"]


def test_without_a_reason_nothing_is_done_and_what_was_asked_is_asked_again(
    client: FlaskClient, account: GatewayAccount
) -> None:
    order = owed(account)
    again = client.post(f"/orders/{order.id}/settlement", data={"why": "  "})
    assert (again.status_code, "Say why: it is kept with your name." in again.text) == (422, True)
    assert order.owes


def test_an_order_of_another_shop_takes_no_word(client: FlaskClient, account: GatewayAccount) -> None:
    other = make_order(make_shop())
    for noun in ("settlement", "completion", "try-end"):
        assert client.get(f"/orders/{other.id}/{noun}").status_code == 404
        assert client.post(f"/orders/{other.id}/{noun}", data={"why": "x"}).status_code == 404


def test_what_waits_on_the_order_is_looked_at_again_when_a_person_has_spoken(
    client: FlaskClient, account: GatewayAccount
) -> None:
    order = make_order(account.shop)
    made_at(order, order.created_at - timedelta(hours=1))
    hear(account, order, Outcome.pending)
    hear(account, order, money=Money(990, "EUR"), transaction_id="pi_2")
    assert "1 callback that waits on it is looked at again" in asked(
        client, order, "try-end", account=account.id, transaction="pi_1"
    )
