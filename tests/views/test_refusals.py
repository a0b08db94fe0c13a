"""What is refused leaves one line in the log: who, from where, which route, how; and nothing secret."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shopcallbacks.shops.users import Role

from ..factories import log_in, make_account, make_callback, make_shop, make_token, make_user, message


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name.endswith("refusals")]


def test_what_a_role_may_not_do_is_told(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    account = make_account()
    viewer = make_user(Role.viewer, account.shop)
    log_in(client, viewer)
    callback = make_callback(account, message())
    assert client.post(f"/callbacks/{callback.id}/retry?why=confidential").status_code == 403
    assert lines(caplog) == [f"Refused with 403: user {viewer.id} from 127.0.0.1, verbs.retry"]


@pytest.mark.parametrize("path", ["/callbacks/{callback}", "/settings/gateways/{account}", "/orders?shop={shop}"])
def test_a_look_at_another_shops_things_is_told(
    client: FlaskClient, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    account = make_account()
    things = {"callback": make_callback(account, message()).id, "account": account.id, "shop": account.shop.slug}
    user = make_user(Role.admin, make_shop())
    log_in(client, user)
    assert client.get(path.format(**things)).status_code == 404
    (line,) = lines(caplog)
    assert line.startswith(f"Refused with 404: user {user.id} from 127.0.0.1, ")


def test_what_is_nowhere_is_not_told(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    log_in(client, make_user(Role.manager, make_shop()))
    assert [client.get(path).status_code for path in ("/nowhere", "/orders/4711")] == [404, 404]
    assert lines(caplog) == []


def test_htmx_without_a_log_in_is_told(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    client.get("/queue", headers={"HX-Request": "true"})
    assert lines(caplog) == ["Refused with 401: nobody from 127.0.0.1, dashboard.widget"]


def test_a_forged_form_is_told(
    app: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    client.post("/login", data={"email": "a@shop.example", "password": "hidden", "csrf_token": "forged"})
    assert lines(caplog) == ["Refused with 400: nobody from 127.0.0.1, sessions.log_in"]


def test_wrong_bearer_tokens_are_told_then_held_back_and_right_ones_never(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    shop = make_shop()
    right = {"Authorization": f"Bearer {make_token(shop)}"}
    wrong = {"Authorization": "Bearer sc_wrong"}
    answers = [client.get("/api/events", headers=wrong) for _ in range(32)]
    assert [answer.status_code for answer in answers] == [401] * 30 + [429] * 2
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
    assert {client.get("/api/events", headers=right).status_code for _ in range(40)} == {200}
    elsewhere = client.get("/api/events", headers=wrong, environ_base={"REMOTE_ADDR": "192.0.2.9"})
    assert elsewhere.status_code == 401
    assert lines(caplog)[0] == "Refused with 401: nobody from 127.0.0.1, api.list_events"
    assert not [line for line in lines(caplog) if "sc_" in line]
