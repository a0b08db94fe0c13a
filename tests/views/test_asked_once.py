"""What a screen asks the database: nothing twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from shopcallbacks.callbacks.notes import Note
from shopcallbacks.domain.values import Money
from shopcallbacks.extensions import db
from shopcallbacks.shops.users import Role

from ..factories import log_in, make_account, make_callback, make_order, make_user, message, process, request_for

HTMX = {"HX-Request": "true"}


@contextmanager
def asked() -> Iterator[Counter[tuple[str, str]]]:
    """The statements and what they were asked with."""
    found: Counter[tuple[str, str]] = Counter()

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        found[statement, repr(parameters)] += 1

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


@pytest.fixture
def callback(client: FlaskClient) -> Any:
    account = make_account()
    user = make_user(Role.manager, account.shop)
    log_in(client, user)
    made = make_callback(account, message(make_order(account.shop), money=Money(1, "EUR")))
    forger = make_account(signing_secrets=["whsec_forged"])
    make_callback(account, request_for(forger, message(make_order(account.shop))))
    process()
    Note.write(made, user, "look at the bank")
    db.session.commit()
    return made


@pytest.mark.parametrize(
    "address",
    ["/", "/queue", "/callbacks", "/callbacks/causes", "/callbacks/{id}", "/callbacks/{id}/people", "/settings"],
)
def test_a_page_asks_nothing_twice(client: FlaskClient, callback: Any, address: str) -> None:
    address = address.format(id=callback.id)
    db.session.expire_all()
    with asked() as statements:
        assert client.get(address).status_code == 200
    assert statements
    assert {one: times for one, times in statements.items() if times > 1} == {}


@pytest.mark.parametrize("on", ["", "page"])
def test_the_answer_to_a_verb_loads_the_row_once(client: FlaskClient, callback: Any, on: str) -> None:
    with asked() as statements:
        data = {"seen": callback.version, "why": "not ours", "on": on}
        assert client.post(f"/callbacks/{callback.id}/removal", headers=HTMX, data=data).status_code == 200
    assert [
        statement for (statement, _), times in statements.items() if "FROM attempts" in statement and times > 1
    ] == []
    assert sum(times for (statement, _), times in statements.items() if "FROM attempts" in statement) == 1
