"""A proxy that the product does not know of."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from shopcallbacks.shops.users import Role

from ..factories import log_in, make_account, make_user

THROUGH = {"X-Forwarded-For": "203.0.113.7"}


@pytest.fixture
def never_told(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(client.application.extensions, "proxy_told", raising=False)


@pytest.mark.usefixtures("never_told")
def test_an_unknown_proxy_is_told_once_in_the_log(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    client.get("/login")
    assert "TRUSTED_HOPS" not in caplog.text
    for _ in range(3):
        client.get("/login", headers=THROUGH)
    assert caplog.text.count("TRUSTED_HOPS is 0") == 1


@pytest.mark.usefixtures("never_told")
@pytest.mark.parametrize(("role", "told"), [(Role.admin, True), (Role.manager, False)])
def test_an_unknown_proxy_is_told_to_those_who_may_set_up(client: FlaskClient, role: Role, told: bool) -> None:
    log_in(client, make_user(role, make_account().shop))
    assert "A proxy stands before" not in client.get("/").text
    assert ("A proxy stands before" in client.get("/", headers=THROUGH).text) == told


def test_a_known_proxy_is_nothing_to_tell(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(client.application.config, "TRUSTED_HOPS", 1)
    log_in(client, make_user(Role.admin, make_account().shop))
    assert "A proxy stands before" not in client.get("/", headers=THROUGH).text
