"""Help: the papers, the keys, and the API from its document."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from shopcallbacks.release import VERSION
from shopcallbacks.shops.users import Role
from shopcallbacks.views.papers import CHANGES, PAPERS, ROOT, paper

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


@pytest.fixture
def reader(client: FlaskClient) -> FlaskClient:
    """A viewer who is logged in."""
    return log_in(client, make_user(Role.viewer, make_shop()))


def test_every_paper_can_be_read_and_each_of_its_links_leads_somewhere(reader: FlaskClient) -> None:
    contents = reader.get("/help").text
    shown = {name for names in PAPERS.values() for name in names}
    assert shown - {CHANGES} == {path.stem for path in (ROOT / "docs").glob("*.md")} - {"api"}
    assert all(f'href="/help/{name}"' in contents for name in (*shown, "keys", "api"))
    ids = {name: set(re.findall(r' id="([^"]+)"', reader.get(f"/help/{name}").text)) for name in (*shown, "api")}
    for name in shown:
        body = paper(name).html
        for address in re.findall(r'href="([^"]*)"', body):
            page, _, part = address.partition("#")
            assert page.startswith("https://") or (page or name) in ids, f"{name} leads to {address}"
            assert page.startswith("https://") or not part or part in ids[page or name], f"{name} leads to {address}"
        for picture in re.findall(r'src="([^"]*)"', body):
            with reader.get(f"/help/{picture}") as answer:
                assert answer.mimetype == "image/png"


def test_help_stands_in_the_menu_with_keys_and_version(reader: FlaskClient) -> None:
    assert 'href="/help">Help</a>' in reader.get("/").text
    assert f"version {VERSION}" in reader.get("/help").text
    assert "write a note" not in reader.get("/help/keys").text.partition("<dialog")[0], "a viewer writes none"
    assert reader.get("/help/decisions").status_code == 404
    assert reader.get("/help/screenshots/..%2Fmoney.md").status_code == 404


def test_it_is_for_those_who_are_logged_in(client: FlaskClient) -> None:
    assert client.get("/help/api").status_code == client.get("/help/manager-guide").status_code == 303
