"""From one callback's page to the next, in the filter one came from."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.domain.states import State
from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from shopcallbacks.shops.users import Role

from ...factories import log_in, make_account, make_callback, make_order, make_shop, make_user, message, process

FILTER = "tab=unprocessed&amp;reason=amount_mismatch"


@pytest.fixture
def calls(client: FlaskClient) -> list[Callback]:
    shop = make_shop()
    log_in(client, make_user(Role.manager, shop))
    account = make_account(shop)
    found = [make_callback(account, message(make_order(shop), money=Money(1, "EUR"))) for _ in range(3)]
    process()
    return found


def test_a_row_leads_to_its_page_with_the_filter_and_the_page_to_the_next(
    client: FlaskClient, calls: list[Callback]
) -> None:
    assert f'href="/callbacks/{calls[0].id}?{FILTER}"' in client.get("/callbacks?reason=amount_mismatch").text
    html = client.get(f"/callbacks/{calls[1].id}?tab=unprocessed&reason=amount_mismatch").text
    assert "2 of 3" in html
    assert f'rel="prev" aria-keyshortcuts="k" href="/callbacks/{calls[0].id}?{FILTER}"' in html
    assert f'rel="next" aria-keyshortcuts="j" href="/callbacks/{calls[2].id}?{FILTER}"' in html
    assert 'href="/callbacks?reason=amount_mismatch">Unprocessed, filtered</a>' in html


def test_the_tabs_of_the_request_lead_to_the_page_in_the_same_list(client: FlaskClient, calls: list[Callback]) -> None:
    html = client.get(f"/callbacks/{calls[1].id}?tab=unprocessed&reason=amount_mismatch&part=bytes").text
    assert f'href="/callbacks/{calls[1].id}?{FILTER}&amp;part=headers#request"' in html
    alone = client.get(f"/callbacks/{calls[1].id}").text
    assert f'href="/callbacks/{calls[1].id}?part=headers#request"' in alone


def test_a_page_that_was_not_opened_from_a_list_has_no_next(client: FlaskClient, calls: list[Callback]) -> None:
    html = client.get(f"/callbacks/{calls[1].id}").text
    assert 'rel="next"' not in html
    assert 'href="/callbacks?tab=unprocessed">Unprocessed</a>' in html


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_an_act_leads_on_to_the_next_where_that_is_asked_for(
    client: FlaskClient, calls: list[Callback], headers: dict[str, str]
) -> None:
    page = "/callbacks/{}?tab=unprocessed&reason=amount_mismatch"
    said = {"why": "a copy", "on": "page", "then": "next"}
    for number, leads_to in ((1, page.format(calls[2].id)), (2, "/callbacks?reason=amount_mismatch")):
        form = said | {"back": page.format(calls[number].id)}
        answer = client.post(f"/callbacks/{calls[number].id}/removal", data=form, headers=headers)
        assert answer.headers["HX-Redirect" if headers else "Location"] == leads_to
    db.session.expire_all()
    assert calls[1].state is State.invalid


def test_the_page_keeps_its_place_after_an_act(client: FlaskClient, calls: list[Callback]) -> None:
    back = f"/callbacks/{calls[1].id}?tab=unprocessed"
    form = {"why": "a copy", "on": "page", "back": back}
    html = client.post(f"/callbacks/{calls[1].id}/removal", data=form, headers={"HX-Request": "true"}).text
    assert f'href="/callbacks/{calls[2].id}?tab=unprocessed"' in html
    assert "2 of" not in html
