"""What is asked of every gateway there is. What one of them can't do stands here by name, with the reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from shopcallbacks.domain.values import Answer, Ask, Message, NoAnswer, Outcome, Request, Verdict
from shopcallbacks.gateways import GATEWAYS
from shopcallbacks.gateways.base import Gateway
from shopcallbacks.gateways.settings import check, complete

from .samples import AT, SAID, Sample, account, example, is_genuine, meaning, of_vector, paid, sample, vectors_of

NAMES = list(GATEWAYS)
SAYABLE = (Outcome.paid, Outcome.pending, Outcome.failed, Outcome.cancelled, Outcome.refunded)

# What a gateway never tells of, neither in an example nor in its vectors. Everything else it must be able to say.
NEVER_SAID = {
    ("authorizenet_sim", Outcome.cancelled): "a void is a refund to it; who leaves the form is not told of",
    ("coinbase_commerce", Outcome.cancelled): "a charge that runs out is charge:failed",
    ("coinbase_commerce", Outcome.refunded): "refunds of crypto money are sent by hand",
    ("cybersource", Outcome.refunded): "its form only tells what became of the customer's own payment",
    ("liqpay", Outcome.cancelled): "who leaves the form is a failure to it",
    ("paysera", Outcome.cancelled): "who leaves the form is not told of",
    ("paysera", Outcome.refunded): "not found documented",
    ("paystack", Outcome.cancelled): "who leaves the form is not told of",
    ("paystack", Outcome.pending): "it only tells of the end",
    ("paytr", Outcome.cancelled): "who leaves the form is a failure to it",
    ("paytr", Outcome.pending): "it only tells of the end",
    ("paytr", Outcome.refunded): "the shop asks for a refund, and has the answer at once",
    ("przelewy24", Outcome.cancelled): "it only tells of payments that succeeded",
    ("przelewy24", Outcome.failed): "it only tells of payments that succeeded",
    ("przelewy24", Outcome.pending): "it only tells of payments that succeeded",
}
# Nothing notices that what this gateway sent was altered on the way.
NOT_SIGNED = {"worldpay": "a password or a token comes along, no signature: who can alter the rest is not noticed"}
# Fields that are read although nothing signs them. A currency that is not the order's is for a person.
NOT_ALL_SIGNED = {
    "authorizenet_sim": "the currency, and x_type, which tells a payment from a refund",
    "paytr": "the currency",
}
# What comes of a wrong secret where it is not `not_genuine`.
WRONG_SECRET = {
    "klarna": (Verdict.unreachable, "it is a password for asking, and Klarna refuses to answer"),
    "mollie": (Verdict.unreachable, "it is a password for asking, and Mollie refuses to answer"),
}
# No secret of the account has a part in the verification: what ties the callback to the account instead.
NO_SECRET: dict[str, dict[str, Any]] = {
    "paypal": {"webhook_ids": ["8PT597110X687430LKGECATA"]},
    "paypal_ipn": {"receiver_emails": ["thief@b.example"], "receiver_id": "THIEF"},
}

GARBAGE = (b"\xff\xfe\x00\x81 nonsense", b"{", b"[]", b"null", b"%PDF-1.7 \x00", b'{"a":' * 3000, b"=&=&%zz", b"<a><b>")


# Each is described and has vectors.


@pytest.mark.parametrize("gateway", GATEWAYS.values(), ids=NAMES)
def test_a_gateway_is_described(gateway: Gateway) -> None:
    assert GATEWAYS[gateway.name] is gateway
    assert gateway.title
    assert len(gateway.letters) == 2
    assert 20 <= len(gateway.check) <= 140
    assert "\n" not in gateway.check
    assert len(gateway.tested) > 10
    assert gateway.docs.startswith("https://") or gateway.name == "generic_hmac"  # which is nobody's
    assert set(gateway.methods) <= {"POST", "GET"}


def test_no_two_gateways_share_a_badge_or_a_title() -> None:
    for what in ("letters", "title"):
        values = [getattr(gateway, what) for gateway in GATEWAYS.values()]
        assert len(values) == len(set(values))


@pytest.mark.parametrize("gateway", GATEWAYS.values(), ids=NAMES)
def test_every_setting_is_labelled_and_every_secret_says_where_to_find_it(gateway: Gateway) -> None:
    keys = [setting.key for setting in gateway.settings]
    assert len(keys) == len(set(keys))
    for setting in gateway.settings:
        assert setting.label
        assert len(setting.help) > 15 or not setting.is_secret, f"{setting.key}: where does one find it?"
        defaults = setting.default if isinstance(setting.default, list) else [setting.default]
        assert not setting.choices or setting.is_words or set(defaults) <= {None, *setting.choices}


@pytest.mark.parametrize("name", NAMES)
def test_a_gateway_has_vectors_and_their_settings_are_ones_it_takes(name: str) -> None:
    verdicts = {vector["expect"]["verification"] for vector in vectors_of(name)}
    assert verdicts >= {"genuine", "not_genuine"}
    for vector in vectors_of(name):
        check(GATEWAYS[name], vector["config"])


# What it can say.


@pytest.mark.parametrize(
    ("outcome", "name"),
    [(outcome, name) for outcome in SAYABLE for name in NAMES if (name, outcome) not in NEVER_SAID],
)
def test_what_a_gateway_can_say_is_heard(name: str, outcome: Outcome) -> None:
    found = sample(name, outcome)
    assert found is not None, "list it with the reason, or write an example or a vector"
    verification, (*_, message) = found.heard()
    assert verification.verdict is Verdict.genuine, verification.detail
    assert message.outcome is outcome
    assert message.order_number or message.transaction_id


@pytest.mark.parametrize(("name", "outcome"), NEVER_SAID)
def test_what_is_listed_as_never_said_has_no_sample(name: str, outcome: Outcome) -> None:
    assert sample(name, outcome) is None


@pytest.mark.parametrize("name", NAMES)
def test_what_had_counted_as_paid_is_never_said_to_be_uncaptured(name: str) -> None:
    for found in map(of_vector, vectors_of(name)):
        if "authorised" in found.settings and any(message.uncaptured for message in found.heard()[1]):
            _, messages = found.heard(authorised="paid")
            assert not any(message.uncaptured for message in messages)


@pytest.mark.parametrize("name", NAMES)
def test_the_reply_is_a_success_without_secrets(name: str) -> None:
    found = paid(name)
    bare = {key: value for key, value in found.settings.items() if key not in secret_keys(found.gateway)}
    reply = found.gateway.reply(found.request, complete(found.gateway, bare))
    assert 200 <= reply.status <= 299


# What it must not believe.


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NOT_SIGNED])
def test_a_tampered_request_is_not_genuine_wherever_it_means_something_else(name: str) -> None:
    found = paid(name)
    said = meaning(found.heard()[1])
    refused = 0
    for tampered in every_bit_flipped(found.request):
        heard = found.heard(tampered)
        refused += not is_genuine(heard)
        if is_genuine(heard) and meaning(heard[1]) != said:
            assert name in NOT_ALL_SIGNED
            assert decides_nothing(heard[1][0], found)
    assert refused > 10


def decides_nothing(message: Message, found: Sample) -> bool:
    """It is for a person, be it only because its currency is not the order's."""
    (said,) = found.heard()[1]
    assert said.money is not None
    return message.outcome is Outcome.unclear or (message.money or said.money).currency != said.money.currency


def every_bit_flipped(request: Request) -> Iterable[Request]:
    """The request with one bit changed, at every place of what it says."""
    place = "body" if request.body else "query"
    content = getattr(request, place)
    for at in range(len(content)):
        changed = bytes((content[at] ^ 1,))
        yield replace(request, **{place: content[:at] + changed + content[at + 1 :]})


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_secret_is_not_believed(name: str) -> None:
    found = paid(name)
    settings = {key: wrong(found.settings[key]) for key in secret_keys(found.gateway)}
    if name in NO_SECRET:
        settings = NO_SECRET[name]
    assert settings
    ask = found.ask if name in NO_SECRET else lambda question: Answer(401, b"{}")
    verification, _ = found.heard(ask=ask, **settings)
    expected, _ = WRONG_SECRET.get(name, (Verdict.not_genuine, ""))
    assert verification.verdict is expected
    assert verification.detail


@pytest.mark.parametrize("name", NAMES)
def test_without_any_secret_nothing_is_believed(name: str) -> None:
    found = paid(name)
    settings: dict[str, Any] = {
        key: [] if isinstance(found.settings[key], list) else None for key in secret_keys(found.gateway)
    }
    if name in NO_SECRET:
        settings = {key: [] for key in NO_SECRET[name]}
    verification, _ = found.heard(ask=lambda question: Answer(401, b"{}"), **settings)
    assert verification.verdict is not Verdict.genuine


def secret_keys(gateway: Gateway) -> list[str]:
    return [setting.key for setting in gateway.settings if setting.is_secret]


def wrong(secret: Any) -> Any:
    """Another secret of the same shape: some of its middle is replaced by letters that hex and base64 know too."""
    match secret:
        case str():
            middle = len(secret) // 2
            changed = "".join("b" if letter == "a" else "a" for letter in secret[middle : middle + 6])
            return secret[:middle] + changed + secret[middle + 6 :]
        case list():
            return [wrong(one) for one in secret]
        case dict():
            return {key: wrong(value) for key, value in secret.items()}
    return secret


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
def test_a_malformed_request_is_not_believed(name: str, garbage: bytes) -> None:
    found = paid(name)
    request = replace(found.request, body=garbage, query=garbage if not found.request.body else b"")
    verification, messages = found.heard(request)
    assert verification.verdict is Verdict.not_genuine
    assert verification.detail
    assert_undecided(messages)


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_request_is_not_believed_and_nobody_is_asked_about_it(name: str) -> None:
    found = paid(name)
    for method in ("POST", "GET", "PUT", ""):
        verification, messages = found.heard(Request(method, "/", b"", (), b"", "192.0.2.1", AT), nobody)
        assert verification.verdict is Verdict.not_genuine
        assert verification.detail
        assert_undecided(messages)


def assert_undecided(messages: Iterable[Message]) -> None:
    for message in messages:
        assert message.outcome in (Outcome.unclear, Outcome.ignored)
        assert message.detail or message.outcome is Outcome.ignored


def nobody(question: Ask) -> Answer | NoAnswer:
    raise AssertionError(f"nobody may be asked here, least of all {question.url}")


# What it must not stumble over.


@pytest.mark.parametrize("name", NAMES)
def test_letters_beyond_ascii_are_kept(name: str) -> None:
    said = replace(SAID, order_number="Zürich-7", customer="zoë@b.example")
    found = example(name, account(name), said)
    if found is None:
        found = next(of_vector(vector) for vector in vectors_of(name) if vector["name"].startswith("non-ascii"))
        assert is_genuine(found.heard())
        return
    verification, (message, *_) = found.heard()
    assert verification.verdict is Verdict.genuine, verification.detail
    assert message.order_number == "Zürich-7"


@pytest.mark.parametrize("name", NAMES)
def test_headers_beyond_ascii_are_no_surprise(name: str) -> None:
    found = paid(name)
    headers = tuple((header, "é\xff") for header, _ in found.request.headers)
    verification, _ = found.heard(replace(found.request, headers=headers))
    assert verification.verdict is Verdict.not_genuine or not signed_headers(found)


def signed_headers(found: Sample) -> bool:
    """Whether any header has a part in the verification."""
    return not is_genuine(found.heard(replace(found.request, headers=())))


@pytest.mark.parametrize("name", NAMES)
def test_the_same_bytes_say_the_same_again(name: str) -> None:
    for outcome in SAYABLE:
        found = sample(name, outcome)
        assert found is None or found.heard() == found.heard()


# Asking.


def may_ask(name: str) -> bool:
    gateway = GATEWAYS[name]
    return any(gateway.asks(complete(gateway, vector["config"])) for vector in vectors_of(name))


ASKING = [name for name in NAMES if may_ask(name)]
NOT_REACHED = {
    "no-answer": NoAnswer("no answer in 10 s"),
    "500": Answer(500, b"{}"),
    "503": Answer(503, b""),
    "429": Answer(429, b"{}"),
    "401": Answer(401, b"{}"),
    "403": Answer(403, b"{}"),
    "302": Answer(302, b""),
    "garbage": Answer(200, b"\xff<html>VERIFIED</html>"),
    "empty": Answer(200, b""),
    "json-array": Answer(200, b"[]"),
}


def asking_sample(name: str) -> Sample:
    """A payment about which somebody is asked."""
    settings = account(name, asking=True)
    found = example(name, settings, SAID)
    if found is None:
        found = next(s for s in map(of_vector, vectors_of(name)) if s.answers and is_genuine(s.heard()))
    assert found.answers
    return found


@pytest.mark.parametrize("name", ASKING)
@pytest.mark.parametrize("answer", NOT_REACHED.values(), ids=NOT_REACHED)
def test_an_unreachable_gateway_is_neither_yes_nor_no(name: str, answer: Answer | NoAnswer) -> None:
    verification, messages = asking_sample(name).heard(ask=lambda question: answer)
    assert verification.verdict is Verdict.unreachable
    assert verification.detail
    assert all(message.outcome is not Outcome.paid for message in messages) or GATEWAYS[name].speaks


@pytest.mark.parametrize("name", ASKING)
def test_only_the_gateways_own_hosts_are_asked_over_tls(name: str) -> None:
    assert all(url.startswith("https://") for _, url, _ in asking_sample(name).answers)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ASKING])
def test_a_gateway_that_asks_nobody_says_so(name: str) -> None:
    assert not any(vector.get("exchange") for vector in vectors_of(name))
    paid(name).heard(ask=nobody)


def test_a_bell_says_nothing_without_the_gateways_answer() -> None:
    bells = [name for name in NAMES if not GATEWAYS[name].speaks]
    assert bells
    for name in bells:
        found = paid(name)
        (message,) = found.gateway.interpret(found.request, found.settings, {})
        assert message.outcome is Outcome.unclear


def test_nothing_in_the_lists_above_is_out_of_date() -> None:
    listed = {name for name, _ in NEVER_SAID} | {*NOT_SIGNED, *NOT_ALL_SIGNED} | set(WRONG_SECRET) | set(NO_SECRET)
    assert listed <= set(NAMES)
    assert not any(secret_keys(GATEWAYS[name]) for name in NO_SECRET)
