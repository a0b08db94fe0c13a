"""What a gateway's file knows of its API keys: which mode they are of, and how to ask whether they are taken."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from shopcallbacks.domain.values import Answer
from shopcallbacks.gateways import GATEWAYS
from shopcallbacks.gateways.settings import BadSettings, check, complete

REFUSED = Answer(401, b"")
LOGIN = {"api_login": "login", "transaction_key": "key"}
# A key of a gateway that can be asked, and an answer by which it takes it.
TAKEN: dict[str, tuple[dict[str, Any], Answer]] = {
    "authorizenet": (LOGIN, Answer(200, b'\xef\xbb\xbf{"messages": {"resultCode": "Ok"}}')),
    "gocardless": ({"access_token": "live_1"}, Answer(200, b"{}")),
    "klarna": ({"username": "K1", "password": "p"}, Answer(404, b"")),
    "mollie": ({"api_keys": ["live_1", "live_2"]}, Answer(200, b"{}")),
    "paystack": ({"secret_keys": ["sk_live_1"]}, Answer(200, b"{}")),
    "przelewy24": ({"pos_id": 1, "api_key": "k"}, Answer(200, b'{"data": true}')),
}


def test_the_gateways_that_can_be_asked_about_a_key_are_these() -> None:
    asked = {setting.key: "given" for gateway in GATEWAYS.values() for setting in gateway.settings}
    found = {name for name, one in GATEWAYS.items() if one.key_question(complete(one, asked)) is not None}
    assert found == set(TAKEN)


@pytest.mark.parametrize("name", list(TAKEN))
def test_the_question_goes_to_the_gateway_over_https_and_without_a_key_there_is_none(name: str) -> None:
    gateway, (key, _) = GATEWAYS[name], TAKEN[name]
    question = gateway.key_question(complete(gateway, key))
    assert question is not None
    assert urlsplit(question.url).scheme == "https"
    assert (question.method, question.body) == ("GET", b"") or b"authenticateTestRequest" in question.body
    assert gateway.key_question(complete(gateway, {})) is None


@pytest.mark.parametrize("name", list(TAKEN))
def test_the_answer_says_yes_or_no_or_neither(name: str) -> None:
    gateway, (_, taken) = GATEWAYS[name], TAKEN[name]
    bad_login = {"messages": {"resultCode": "Error", "message": [{"code": "E00007"}]}}
    refused = Answer(200, json.dumps(bad_login).encode()) if name == "authorizenet" else REFUSED
    assert [gateway.takes_key(one) for one in (taken, refused, Answer(503, b""))] == [True, False, None]


@pytest.mark.parametrize(
    ("name", "key", "live", "test"),
    [
        ("mollie", "api_keys", ["live_1"], ["test_1"]),
        ("paystack", "secret_keys", ["sk_live_1"], ["sk_test_1"]),
        ("klarna", "password", "klarna_live_api_1", "klarna_test_api_1"),
        ("klarna", "password", "kco_live_api_1", "kco_test_api_1"),
        ("gocardless", "access_token", "live_1", "sandbox_1"),
    ],
)
def test_a_key_of_the_other_mode_is_refused_and_both_modes_are_named(name: str, key: str, live: Any, test: Any) -> None:
    gateway = GATEWAYS[name]
    needed = {setting.key: ["x"] for setting in gateway.settings if setting.required and setting.kind == "secrets"}
    needed |= {setting.key: "x" for setting in gateway.settings if setting.required and setting.kind != "secrets"}
    assert check(gateway, needed | {key: live}, test=False)[key] == live
    assert check(gateway, needed | {key: test}, test=True)[key] == test
    for value, mode, said in ((test, False, "a test key"), (live, True, "a live key")):
        with pytest.raises(BadSettings) as raised:
            check(gateway, needed | {key: value}, test=mode)
        assert said in raised.value.problems[key]
        assert f"the account is in {'test' if mode else 'live'} mode" in raised.value.problems[key]


@pytest.mark.parametrize("name", ["liqpay", "checkoutcom"])
def test_where_only_test_keys_tell_no_other_is_refused_in_test_mode(name: str) -> None:
    (setting, *_) = [one for one in GATEWAYS[name].settings if one.test_keys]
    assert setting.other_mode(f"{setting.test_keys[0]}1", test=False) == setting.test_keys[0]
    assert setting.other_mode("anything", test=True) is None
