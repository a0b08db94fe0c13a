"""The settings page."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from shopcallbacks.users import Role

from .factories import log_in, make_account, make_user


@pytest.mark.parametrize("role", [Role.viewer, Role.manager])
def test_who_sets_nothing_up_sees_accounts_but_no_address(client: FlaskClient, role: Role) -> None:
    account = make_account()
    html = log_in(client, make_user(role, account.shop)).get("/settings").text
    assert account.title in html
    assert account.token not in html


def test_an_admin_finds_the_address_to_copy(client: FlaskClient) -> None:
    account = make_account()
    html = log_in(client, make_user(Role.admin)).get("/settings").text
    assert account.callback_url in html
    assert "whsec_test" not in html
