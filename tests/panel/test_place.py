"""Where a callback stands among what a filter shows, and which are beside it."""

from __future__ import annotations

import pytest

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.domain.errors import Reason
from shopcallbacks.domain.states import Verb
from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from shopcallbacks.panel.filter import Filter, Sort, Tab
from shopcallbacks.panel.page import Place, place_of
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.users import Role

from ..factories import make_account, make_callback, make_order, make_user, message, process


@pytest.fixture
def account(app: object) -> GatewayAccount:
    return make_account()


@pytest.fixture
def calls(account: GatewayAccount) -> list[Callback]:
    """Five with amounts that differ: 9, 1, 8, 2 and 7 cents, and one whose order is missing between them."""
    found = []
    for minor in (9, 1, 8, 2, 7):
        found.append(make_callback(account, message(make_order(account.shop), money=Money(minor, "EUR"))))
        if minor == 8:
            make_callback(account, message("251123-nowhere"))
    process()
    return found


DIFFERS = Filter(reason=Reason.amount_mismatch)


@pytest.mark.parametrize(
    ("sort", "order"),
    [(Sort.oldest, (0, 1, 2, 3, 4)), (Sort.youngest, (4, 3, 2, 1, 0)), (Sort.largest, (0, 2, 4, 3, 1))],
)
def test_a_place_is_that_of_the_panels_own_order(
    account: GatewayAccount, calls: list[Callback], sort: Sort, order: tuple[int, ...]
) -> None:
    ids = [calls[place].id for place in order]
    for number, id_ in enumerate(ids, 1):
        place = place_of(db.session.get_one(Callback, id_), DIFFERS.but(sort=sort), account.shop)
        assert place == Place(ids[number - 2] if number > 1 else None, ids[number] if number < 5 else None, number, 5)


def test_what_has_left_the_filter_keeps_its_neighbours(account: GatewayAccount, calls: list[Callback]) -> None:
    calls[2].do(Verb.remove, make_user(Role.manager, account.shop), "a copy")
    db.session.commit()
    assert place_of(calls[2], DIFFERS, account.shop) == Place(calls[1].id, calls[3].id, None, 4)


def test_a_place_is_found_in_what_is_searched_for(account: GatewayAccount, calls: list[Callback]) -> None:
    place = place_of(calls[4], Filter(Tab.all, q="amount differs", sort=Sort.oldest), account.shop)
    assert place == Place(calls[3].id, None, 5, 5)


def test_it_is_counted_up_to_a_limit_only(account: GatewayAccount, calls: list[Callback]) -> None:
    place = place_of(calls[4], DIFFERS, account.shop, limit=2)
    assert place == Place(calls[3].id, None, None, 3)
