"""The OpenAPI document is the app: each call is in it, and what is answered is what it says."""

from __future__ import annotations

import contextvars
import itertools
import re
from typing import Any

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from limits import parse_many
from schemathesis import BaseSchema, GenerationMode

from shopcallbacks import ROOT
from shopcallbacks.domain.values import Money
from shopcallbacks.orders.feed import OrderEvent
from shopcallbacks.panel.filter import Filter
from shopcallbacks.shapes.feed import KINDS
from shopcallbacks.shops.tokens import Scope
from shopcallbacks.views.api.base import OPERATIONS
from shopcallbacks.views.api.callbacks import QUERY

from ...factories import make_account, make_callback, make_order, make_shop, make_token, message, process


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    response = client.get("/api/openapi.json")
    assert (response.status_code, response.mimetype) == (200, "application/json")
    found: dict[str, Any] = response.json
    return found


def test_each_call_is_in_it_and_nothing_else(app: Flask, document: dict[str, Any]) -> None:
    calls = {
        (re.sub(r"<(?:\w+:)?(\w+?)_?>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/") and rule.rule != "/api/openapi.json"
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {(path, method) for path, calls in document["paths"].items() for method in calls} == calls
    assert document["openapi"] == "3.1.0"


def test_the_kinds_of_events_are_those_that_the_guide_explains(document: dict[str, Any]) -> None:
    guide = (ROOT / "docs" / "money.md").read_text()
    known, any_other = document["components"]["schemas"]["OrderChange"]["properties"]["kind"]["anyOf"]
    assert any_other == {"type": "string"}, "a test event, and what other releases tell"
    assert set(known["enum"]) == set(KINDS) == set(re.findall(r"^\| `(\w+)` \|", guide, re.MULTILINE))
    assert "orderChange" in document["webhooks"]


def test_callbacks_are_filtered_by_the_panels_own_names() -> None:
    for name in QUERY.keys() - {"after"}:
        assert Filter.read([(name, "\x00")]).problems or Filter.read([(name, "x")]) != Filter(), name
    assert dict(Filter.read([("tab", "all"), ("from", "2026-11-26"), ("per", "50")]).pairs).keys() <= QUERY.keys()


def test_each_scope_opens_a_call(document: dict[str, Any]) -> None:
    needed = {call["security"][0]["token"][0] for calls in document["paths"].values() for call in calls.values()}
    assert needed == set(Scope)


def test_it_is_a_valid_document(document: dict[str, Any]) -> None:
    schemathesis.openapi.from_dict(document).validate()


# Whatever is sent


# What fits the schema may still name no account, no page, no order of the shop.
CONFIG = {"checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "404", "409", "422"]}}}


@pytest.fixture
def token(app: Flask, monkeypatch: pytest.MonkeyPatch) -> str:
    """It may do all, in a shop that has orders and callbacks of all sorts; wrong ones are not held back."""
    account = make_account(make_shop("toys"), slug="stripe")
    for said in (message(make_order(account.shop, "1")), message("nowhere"), message("1", money=Money(1, "EUR"))):
        make_callback(account, said)
    process()
    assert OrderEvent.after(account.shop_id, 0, 1)
    monkeypatch.setattr("shopcallbacks.views.api.base.TOKENS", parse_many("1000 per minute"))
    return make_token(account.shop, *Scope)


@pytest.fixture
def api(app: Flask) -> BaseSchema:
    def alone(environ: dict[str, Any], start_response: Any) -> Any:
        """Each request in a context of its own, as in a server."""
        return contextvars.Context().run(app, environ, start_response)

    return schemathesis.openapi.from_wsgi("/api/openapi.json", alone, config=schemathesis.Config.from_dict(CONFIG))


CALLS = list(itertools.product([one.id for one in OPERATIONS.values()], GenerationMode))
CALLS.remove(("show_order", GenerationMode.NEGATIVE))  # any text may be an order's number


@pytest.mark.parametrize(("call", "mode"), CALLS)
def test_no_call_answers_other_than_it_says(api: BaseSchema, token: str, call: str, mode: GenerationMode) -> None:
    """Neither to what fits its schema nor to what does not; and without the token it answers nothing."""
    strategy = api.find_operation_by_id(call).as_strategy(mode, headers={"Authorization": f"Bearer {token}"})

    @given(case=strategy)
    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    def holds(case: schemathesis.Case) -> None:
        case.call_and_validate()

    holds()
