"""Gateway accounts."""

from __future__ import annotations

from flask import Flask

from shopcallbacks.gateways import GATEWAYS

from ..factories import make_account


def test_accounts_of_two_gateways_never_have_the_same_letters(app: Flask) -> None:
    account = make_account()
    seen = set()
    for account.gateway_name in GATEWAYS:
        seen.add(account.letters)
    assert len(seen) == len(GATEWAYS)


def test_an_account_whose_gateway_is_gone_still_has_letters(app: Flask) -> None:
    account = make_account()
    account.gateway_name, account.title = "gone", "Old bank"
    assert account.letters == "Ol"
