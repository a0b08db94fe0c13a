"""By cause: the dashboard's lines, who looks at each, and only what can help."""

from __future__ import annotations

import html
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.dashboard.handling import Handling
from shopcallbacks.domain.errors import Reason
from shopcallbacks.domain.states import Verb
from shopcallbacks.domain.values import Answer, Money
from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.acts import Activity
from shopcallbacks.shops.users import Role, User

from ...factories import (
    log_in,
    make_account,
    make_callback,
    make_order,
    make_shop,
    make_user,
    message,
    process,
    request_for,
)


@pytest.fixture
def account(client: FlaskClient) -> GatewayAccount:
    """Of a shop whose manager is logged in."""
    shop = make_shop()
    log_in(client, make_user(Role.manager, shop))
    return make_account(shop)


def differing(account: GatewayAccount, count: int = 1, minor: int = 5990) -> None:
    for _ in range(count):
        make_callback(account, message(make_order(account.shop, minor=minor), money=Money(1, "EUR")))
    process()


def badly_signed(account: GatewayAccount, count: int) -> None:
    forger = make_account(make_shop(), signing_secrets=["whsec_forged"])
    for _ in range(count):
        make_callback(account, request_for(forger, message(make_order(account.shop))))
    process()


def lines(page: str) -> list[str]:
    """The headlines of the causes, on the dashboard or by cause."""
    return [
        re.sub(r"\s+", " ", found).strip()
        for found in re.findall(r"<h2[^>]*>\s*([A-Z][^<:]+?)(?::\s*<strong>|</h2><p class=\"text-secondary\">)", page)
    ]


def test_the_lines_are_those_of_the_dashboard_in_the_same_order(client: FlaskClient, account: GatewayAccount) -> None:
    other = make_account(account.shop)
    differing(account, 2)
    differing(other, 2)
    badly_signed(account, 3)
    assert lines(client.get("/callbacks/causes").text) == lines(client.get("/").text)
    assert lines(client.get("/").text) == ["Amount differs from the order", "Signature does not match"]
    assert "By gateway and detail (2)" in client.get("/callbacks/causes").text


def test_they_are_sorted_by_money_on_wish_one_currency_at_a_time(client: FlaskClient, account: GatewayAccount) -> None:
    differing(account, 1, minor=990000)
    badly_signed(account, 2)
    make_callback(account, message(make_order(account.shop, minor=99_000_000, currency="JPY"), money=Money(1, "EUR")))
    process()
    differs, signed, currency = (
        "Amount differs from the order",
        "Signature does not match",
        "Currency differs from the order",
    )
    assert lines(client.get("/callbacks/causes").text) == [signed, differs, currency]
    page = client.get("/callbacks/causes?by=EUR").text
    assert lines(page) == [differs, signed, currency]
    assert "<strong>money in EUR</strong>" in page
    assert "by=JPY" in page
    assert lines(client.get("/callbacks/causes?by=JPY").text) == [currency, signed, differs]
    assert "<strong>number</strong>" in client.get("/callbacks/causes?by=USD").text


def test_what_is_done_to_a_cause_is_done_to_what_is_counted_under_a_filter_too(
    client: FlaskClient, account: GatewayAccount
) -> None:
    badly_signed(account, 3)
    one = db.session.scalars(db.select(Callback)).first()
    assert one is not None
    one.detail = "another thing was said"
    db.session.commit()
    page = client.get("/callbacks/causes?reason=not_genuine&known=another+thing+was+said").text
    removal = html.unescape(re.findall(r'href="(/bulk/new[^"]*verb=remove[^"]*)"', page)[0])
    assert "<strong>1 callback</strong>" in page
    assert "<h1>Remove 1 callback?</h1>" in client.get(removal).text


def test_a_retry_is_offered_only_while_it_may_help_one_of_them(client: FlaskClient, account: GatewayAccount) -> None:
    wrong = make_account(account.shop, signing_secrets=["whsec_wrong"])
    for _ in range(2):
        make_callback(wrong, request_for(account, message(make_order(account.shop))))
    process()
    assert "verb=retry" not in client.get("/callbacks/causes").text
    wrong.configure({"signing_secrets": ["whsec_test"]})
    db.session.commit()
    assert "Retry all 2" in client.get("/callbacks/causes").text


@pytest.mark.parametrize(("signers", "offered"), [("..+", True), ("+..", True), (".+.", False)])
def test_of_a_large_cause_the_oldest_and_the_latest_are_asked_whether_a_retry_may_help(
    client: FlaskClient, account: GatewayAccount, monkeypatch: pytest.MonkeyPatch, signers: str, offered: bool
) -> None:
    monkeypatch.setattr("shopcallbacks.views.callbacks.causes.ASKED", 1)
    wrong = make_account(account.shop, signing_secrets=["whsec_wrong"])
    secrets = {"+": "whsec_new", ".": "whsec_strange"}
    others = {sign: make_account(make_shop(), signing_secrets=[secret]) for sign, secret in secrets.items()}
    for sign in signers:
        make_callback(wrong, request_for(others[sign], message(make_order(account.shop))))
    process()
    wrong.configure({"signing_secrets": ["whsec_new"]})
    db.session.commit()
    assert ("Retry all 3" in client.get("/callbacks/causes").text) == offered


def the_handling(account: GatewayAccount) -> Handling:
    db.session.rollback()
    (found,) = Handling.of(account.shop_id).values()
    return found


def test_a_cause_is_new_looked_at_done_and_new_again_when_more_comes(
    client: FlaskClient, account: GatewayAccount
) -> None:
    differing(account)
    page = client.get("/callbacks/causes").text
    assert "<span>New</span>" in page
    cause = {"cause": re.findall(r'name="cause" value="([^"]+)"', page)[0]}
    client.post("/causes/handling", data=cause)
    assert "You look at it, since" in client.get("/callbacks/causes").text
    manager = the_handling(account).user
    assert "take cause" in db.session.scalars(db.select(Activity.verb)).all()
    client.post("/causes/handling", data=cause | {"done": "1"})
    assert f"Done by {manager.name}" in client.get("/callbacks/causes").text
    differing(account)
    assert "<span>New</span>" in client.get("/callbacks/causes").text


def done_with(client: FlaskClient, headline: str) -> None:
    """Somebody is done with that cause."""
    page = client.get("/callbacks/causes").text
    (key,) = set(re.findall(r'name="cause" value="([^"]+)"', page[page.index(headline) :].partition("</section>")[0]))
    client.post("/causes/handling", data={"cause": key, "done": "1"})
    assert "Done by" in client.get("/callbacks/causes").text


def test_a_cause_that_is_done_is_new_again_when_what_had_come_before_joins_it(
    client: FlaskClient, account: GatewayAccount
) -> None:
    differing(account)
    late = make_callback(account, message(make_order(account.shop), money=Money(1, "EUR")))
    done_with(client, "differs")
    process()
    done_at = the_handling(account).done_at
    assert done_at is not None
    assert late.received_at < done_at
    assert "Done by" not in client.get("/callbacks/causes").text


def test_a_cause_that_is_done_is_new_again_when_a_person_brings_something_into_it(
    client: FlaskClient, account: GatewayAccount
) -> None:
    differing(account)
    signer = make_account(make_shop(), signing_secrets=["whsec_forged"])
    forged = make_callback(account, request_for(signer, message(make_order(account.shop), money=Money(1, "EUR"))))
    process()
    done_with(client, "differs")
    forged.do(Verb.force, make_user(Role.manager, account.shop), "their word for it")
    db.session.commit()
    process()
    assert forged.reason is Reason.amount_mismatch
    assert "Done by" not in client.get("/callbacks/causes").text


def test_a_cause_that_is_done_stays_so_when_what_waits_for_it_is_tried_again_and_comes_to_the_same(
    client: FlaskClient, account: GatewayAccount
) -> None:
    differing(account)
    done_with(client, "differs")
    (waiting,) = db.session.scalars(db.select(Callback))
    waiting.do(Verb.retry, make_user(Role.manager, account.shop), "once more")
    db.session.commit()
    process()
    assert (waiting.reason, waiting.attempt_count) == (Reason.amount_mismatch, 2)
    assert "Done by" in client.get("/callbacks/causes").text


def test_a_cause_that_is_done_is_new_again_when_something_is_put_back_into_it(
    client: FlaskClient, account: GatewayAccount
) -> None:
    differing(account, 2)
    removed = db.session.scalars(db.select(Callback)).first()
    assert removed is not None
    manager = make_user(Role.manager, account.shop)
    removed.do(Verb.remove, manager, "not ours")
    db.session.commit()
    done_with(client, "differs")
    removed.do(Verb.restore, manager, "ours after all")
    db.session.commit()
    assert "Done by" not in client.get("/callbacks/causes").text


def test_others_see_who_looks_at_it_and_viewers_only_see(client: FlaskClient, account: GatewayAccount) -> None:
    differing(account)
    (key,) = set(re.findall(r'name="cause" value="([^"]+)"', client.get("/callbacks/causes").text))
    client.post("/causes/handling", data={"cause": key})
    name = the_handling(account).user.name
    viewer: User = make_user(Role.viewer, account.shop)
    client.post("/logout")
    log_in(client, viewer)
    page = client.get("/callbacks/causes").text
    assert f"{name} looks at it" in page
    assert 'name="cause"' not in page
    assert client.post("/causes/handling", data={"cause": key}).status_code == 403


def test_a_cause_is_looked_at_in_its_own_tab_and_one_is_led_back_to_where_it_stood(
    client: FlaskClient, account: GatewayAccount
) -> None:
    """What is tried again by itself waits in a tab of its own."""
    make_callback(account, message("not there yet"))
    process()
    shown = "/callbacks/causes?tab=waiting"
    page = client.get(shown).text
    said = {name: re.findall(rf'name="{name}" value="([^"]+)"', page)[0] for name in ("cause", "tab", "back")}
    answer = client.post("/causes/handling", data=said)
    assert answer.location.endswith(shown)
    assert "You look at it, since" in client.get(shown).text


def test_a_cause_that_is_gone_is_told(client: FlaskClient, account: GatewayAccount) -> None:
    assert client.post("/causes/handling", data={"cause": "nothing"}).status_code == 303
    assert "Nothing waits for that cause any more." in client.get("/callbacks/causes").text


def test_a_reason_has_one_name_on_the_dashboard_by_cause_in_the_filter_its_chip_and_the_csv(
    app: Flask, client: FlaskClient, account: GatewayAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.extensions, "ask", lambda question: Answer(200, b"INVALID"))
    paypal = make_account(account.shop, "paypal_ipn", receiver_emails=["pay@shop.example"], order_field="invoice")
    make_callback(paypal, message(make_order(account.shop)))
    badly_signed(account, 1)
    denied, unsigned = "PayPal IPN says it did not send this", "Signature does not match"
    for page in ("/", "/callbacks/causes"):
        assert set(lines(client.get(page).text)) == {denied, unsigned}
    for of, name in ((paypal, denied), (account, unsigned)):
        query = f"tab=all&reason=not_genuine&account={of.slug}"
        panel = client.get(f"/callbacks?{query}").text
        assert re.search(rf'class="chip"[^>]*>{name} ', panel)
        assert f">{name}</option>" in panel
        assert f",{name},not_genuine," in client.get(f"/callbacks.csv?{query}").text
    both = "Signature does not match, or the gateway says it did not send this"
    assert re.search(rf'class="chip"[^>]*>{both} ', client.get("/callbacks?tab=all&reason=not_genuine").text)
