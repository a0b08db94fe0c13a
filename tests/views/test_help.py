"""Help: the API to read, from its document."""

from __future__ import annotations

import re

from flask.testing import FlaskClient

from shopcallbacks.shops.users import Role

from ..factories import log_in, make_shop, make_user


def test_each_call_and_shape_of_the_document_can_be_read(client: FlaskClient) -> None:
    document = client.get("/api/openapi.json").json
    log_in(client, make_user(Role.viewer, make_shop()))
    page = client.get("/help/api").text
    calls = [call["operationId"] for calls in document["paths"].values() for call in calls.values()]
    ids = re.findall(r'id="(\w+)"', page)
    assert {*calls, *document["components"]["schemas"]} <= set(ids)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#(\w+)"', page)) - {"main"} <= set(ids)
    assert "<code>GET /api/callbacks/{id}</code>" in page
    assert "one of paid, " in page


def test_it_is_for_those_who_are_logged_in(client: FlaskClient) -> None:
    assert client.get("/help/api").status_code == 303
