"""What opens doors is hidden wherever and however it is written."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus, urlencode

import pytest
from flask.testing import FlaskClient

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.clock import utcnow
from shopcallbacks.domain.values import Request
from shopcallbacks.extensions import db
from shopcallbacks.panel.body import SHOWN
from shopcallbacks.panel.callback.request import hides
from shopcallbacks.panel.hiding import HIDDEN, Hider
from shopcallbacks.shops.accounts import GatewayAccount
from shopcallbacks.shops.users import Role

from ..factories import log_in, make_account, make_callback, make_shop, make_user, request_of

SECRET = 'Pässwörd/with "signs" & <more>'


@pytest.fixture
def account(app: object) -> GatewayAccount:
    return make_account(signing_secrets=[SECRET])


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        SECRET.upper(),
        quote(SECRET),
        quote(SECRET).lower(),
        quote_plus(SECRET),
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
        json.dumps(SECRET).replace("/", "\\/"),
        "P\xe4ssw\xf6rd/with &quot;signs&quot; &amp; &lt;more&gt;",
    ],
)
def test_a_secret_is_hidden_in_each_of_its_spellings(account: GatewayAccount, written: str) -> None:
    shown = Hider(account)(f"a {written} z")
    assert HIDDEN in shown
    assert "with" not in shown
    assert b"with" not in Hider(account).data(f"a {written} z".encode())


def test_one_that_is_not_in_use_is_hidden_as_well(account: GatewayAccount) -> None:
    account.end_secret(account.secrets[0], utcnow())
    assert Hider(account)(SECRET) == HIDDEN


def test_one_that_can_not_be_decrypted_does_not_stand_in_the_way(account: GatewayAccount) -> None:
    account.secrets[0].ciphertext = b"of a key that is gone"
    assert Hider(account)(f"{account.token} and more") == f"{HIDDEN} and more"


def test_a_gateways_password_field_is_hidden_however_short_or_wrong_what_stands_in_it_is(app: object) -> None:
    worldpay = make_account(gateway="worldpay", callback_passwords=["the right one"])
    form = urlencode({"cartId": "77", "callbackPW": "abc", "amount": "1.00"}).encode()
    pane = Hider(worldpay).pane(form)
    assert [(field.name, field.value) for field in pane.fields] == [
        ("cartId", "77"),
        ("callbackPW", HIDDEN),
        ("amount", "1.00"),
    ]
    assert pane.raw == f"cartId=77&callbackPW={HIDDEN}&amount=1.00"


def test_bytes_that_are_no_text_hide_it_too(account: GatewayAccount) -> None:
    data = b"\x00\x01" + SECRET.encode() + b"\xff"
    pane = Hider(account).pane(data)
    assert (pane.kind, pane.total) == ("bytes", len(data))
    assert "with" not in pane.pretty


def received(account: GatewayAccount, body: bytes, query: bytes = b"") -> int:
    headers = (
        ("X-A", "b"),
        ("Authorization", "Basic " + base64.b64encode(b"me:very-secret").decode()),
        ("Cookie", "c=1"),
    )
    return make_callback(account, Request("POST", account.callback_path, query, headers, body, "::1", utcnow())).id


def test_the_original_is_whole_for_admins_and_without_what_opens_doors_for_managers(
    account: GatewayAccount, client: FlaskClient
) -> None:
    body, query = b"\x00a=" + SECRET.encode() + b"\r\nb\xff", b"k=" + quote(SECRET).encode()
    id_ = received(account, body, query)
    got = {}
    for role in (Role.admin, Role.manager):
        log_in(client, make_user(role, account.shop))
        got[role] = [client.get(f"/callbacks/{id_}/original{part}").data for part in ("", "?whole=1")]
        client.post("/logout")
    assert got[Role.admin][0] == body
    assert got[Role.admin][1].endswith(b"Cookie: c=1\r\n\r\n" + body)
    assert got[Role.manager][0] == b"\x00a=****\r\nb\xff"
    assert got[Role.manager][1].endswith(
        b"?k=**** HTTP/1.1\r\nX-A: b\r\nAuthorization: Basic ****\r\nCookie: ****\r\n\r\n\x00a=****\r\nb\xff"
    )
    assert account.token.encode() not in got[Role.admin][1]


def test_who_is_less_in_another_shop_gets_the_original_as_an_admin_of_this_one(
    account: GatewayAccount, client: FlaskClient
) -> None:
    admin = make_user(Role.admin, account.shop)
    admin.set_rights({account.shop: Role.admin, make_shop(): Role.viewer})
    db.session.commit()
    id_ = received(account, b"a=" + SECRET.encode())
    assert log_in(client, admin).get(f"/callbacks/{id_}/original").data == b"a=" + SECRET.encode()


def test_more_than_a_page_shows_counts_as_hidden(account: GatewayAccount) -> None:
    short, long = (db.session.get_one(Callback, received(account, b"x" * n)) for n in (SHOWN, SHOWN + 1))
    assert [hides(request_of(one), account) for one in (short, long)] == [False, True]
