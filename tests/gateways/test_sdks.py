"""The gateways' own packages sign and check random content beside our code. They are for development only.

They must agree on what is genuine. Where we ask for more than a package does, the test says so.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import warnings
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import gocardless_pro.errors
import gocardless_pro.webhooks
import mollie.utils.webhooks
import paddle_billing.Notifications
import paypalrestsdk.notifications
import pytest
import razorpay
import redsys.clients
import redsys.crypto
import square.utils.webhooks_helper
import standardwebhooks
import stripe
from Adyen.util import generate_notification_sig, is_valid_hmac_notification
from coinbase_commerce.error import SignatureVerificationError
from coinbase_commerce.webhook import WebhookSignature
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shopcallbacks.domain.values import Answer, Request
from shopcallbacks.gateways import GATEWAYS
from shopcallbacks.gateways.adyen import EVENTS as ADYEN_EVENTS
from shopcallbacks.gateways.settings import complete

from .samples import AT, Sample, is_genuine

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # it warns of itself
    import braintree

NOW = int(AT.timestamp())
often = settings(max_examples=60, deadline=None, derandomize=True, database=None)

# What packages can take: text, since most of them know no bytes, without half surrogates.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
KEYS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)
JSON = st.dictionaries(TEXT, st.none() | st.booleans() | st.integers() | TEXT, max_size=4).map(json.dumps)
BODIES = JSON | TEXT
# How a genuine request is changed on its way: not at all in half of the cases.
CHANGES = st.sampled_from(["nothing", "nothing", "nothing", "body", "signature", "key"])


def ours(name: str, body: bytes, headers: dict[str, str], at: datetime = AT, **config: Any) -> bool:
    """Whether our gateway finds it genuine."""
    request = Request("POST", "/", b"", tuple(headers.items()), body, "192.0.2.1", at)
    return is_genuine(Sample(GATEWAYS[name], complete(GATEWAYS[name], config), request).heard())


def accepts(check: Callable[..., object], *refusals: type[Exception]) -> bool:
    """A package's answer, whichever way it says no."""
    try:
        return check() is not False
    except refusals:
        return False


def altered(text: str) -> str:
    return text + "x" if not text else chr(ord(text[0]) ^ 1) + text[1:]


# Gateways that put one HMAC of the body into one header.


def razorpay_accepts(body: str, signature: str, key: str) -> bool:
    utility = razorpay.Utility()
    return accepts(
        lambda: utility.verify_webhook_signature(body, signature, key), razorpay.errors.SignatureVerificationError
    )


def coinbase_accepts(body: str, signature: str, key: str) -> bool:
    return accepts(lambda: WebhookSignature.verify_sig_header(body, signature, key), SignatureVerificationError)


def gocardless_accepts(body: str, signature: str, key: str) -> bool:
    check = gocardless_pro.webhooks._verify_signature
    return accepts(lambda: check(body, key, signature), gocardless_pro.errors.InvalidSignatureError)


def mollie_accepts(body: str, signature: str, key: str) -> bool:
    check = mollie.utils.webhooks.SignatureValidator.validate
    return accepts(lambda: check(body, key, signature), mollie.utils.webhooks.InvalidSignatureException)


ONE_HMAC = {
    "razorpay": ("X-Razorpay-Signature", "webhook_secrets", razorpay_accepts),
    "coinbase_commerce": ("X-CC-Webhook-Signature", "shared_secrets", coinbase_accepts),
    "gocardless": ("Webhook-Signature", "webhook_secrets", gocardless_accepts),
    "mollie": ("X-Mollie-Signature", "webhook_secrets", mollie_accepts),
}


@pytest.mark.parametrize("name", ONE_HMAC)
@often
@given(body=BODIES, key=KEYS, change=CHANGES)
def test_an_hmac_of_the_body_is_judged_as_by_the_gateways_package(name: str, body: str, key: str, change: str) -> None:
    header, setting, package_accepts = ONE_HMAC[name]
    signature = hmac.new(key.encode(), body.encode(), hashlib.sha256).hexdigest()
    body = altered(body) if change == "body" else body
    signature = altered(signature) if change == "signature" else signature
    key = altered(key) if change == "key" else key
    # Mollie: what an event names is asked for afterwards, so an event that names nothing shows the check alone.
    verdict = ours(name, body.encode(), {header: signature}, **{setting: [key]})
    assert verdict == package_accepts(body, signature, key) == (change == "nothing")


@often
@given(body=BODIES.filter(bool), key=KEYS, url=KEYS, change=CHANGES)
def test_square(body: str, key: str, url: str, change: str) -> None:
    """We ask for more: the event must be about our seller. An empty body it refuses; to us it is unclear."""
    digest = hmac.new(key.encode(), (url + body).encode(), hashlib.sha256).digest()
    signature = base64.b64encode(digest).decode()
    body = altered(body) if change == "body" else body
    signature = altered(signature) if change == "signature" else signature
    url = altered(url) if change == "key" else url
    headers = {"x-square-hmacsha256-signature": signature}
    verdict = ours("square", body.encode(), headers, signature_keys=[key], notification_url=url, merchant_id="ML1")
    assert verdict == square.utils.webhooks_helper.verify_signature(
        request_body=body, signature_header=signature, signature_key=key, notification_url=url
    )


# Gateways that sign a time with it.


@often
@given(body=BODIES, key=KEYS, change=CHANGES, age=st.sampled_from([-301, -300, 0, 299, 300, 301]))
def test_stripe(body: str, key: str, change: str, age: int) -> None:
    """We ask for more: a time ahead of us is refused as well, exactly one time, and our connected account."""
    now = datetime.now(UTC).replace(microsecond=0)  # the package asks the clock
    time = int(now.timestamp()) - min(max(age, -250), 250) - (500 if age > 300 else 0)
    signature = stripe.WebhookSignature._compute_signature(f"{time}.{body}", key)
    body = altered(body) if change == "body" else body
    key = altered(key) if change == "key" else key
    header = f"t={time},v1={altered(signature) if change == 'signature' else signature}"
    package = accepts(
        lambda: stripe.WebhookSignature.verify_header(body, header, key, tolerance=300),
        stripe.SignatureVerificationError,
    )
    assume("account" not in body)
    assert ours("stripe", body.encode(), {"Stripe-Signature": header}, now, signing_secrets=[key]) == package
    assert package == (change == "nothing" and age <= 300)


@often
@given(body=BODIES, key=KEYS, change=CHANGES)
def test_paddle(body: str, key: str, change: str) -> None:
    """We ask for more: no second time, and no time ahead of us."""
    sign = paddle_billing.Notifications.PaddleSignature.calculate_hmac
    signature = sign(key, f"{NOW}:{body}".encode()).hexdigest()
    body = altered(body) if change == "body" else body
    key = altered(key) if change == "key" else key
    header = f"ts={NOW};h1={'0' * 64};h1={altered(signature) if change == 'signature' else signature}"
    package = paddle_billing.Notifications.Verifier(0).verify(
        SimpleNamespace(headers={"Paddle-Signature": header}, body=body.encode()),
        paddle_billing.Notifications.Secret(key),
    )
    assert ours("paddle", body.encode(), {"Paddle-Signature": header}, secret_keys=[key]) == package
    assert package == (change == "nothing")


@often
@given(body=BODIES, key=st.binary(min_size=16, max_size=40), change=CHANGES)
def test_standard_webhooks(body: str, key: bytes, change: str) -> None:
    """We ask for more: no dot in the id, each header once. Pieces of other versions are passed over."""
    now = datetime.now(UTC).replace(microsecond=0)  # the package asks the clock
    secret = f"whsec_{base64.b64encode(key).decode()}"
    signature = standardwebhooks.Webhook(secret).sign("msg_1", now, body)
    body = altered(body) if change == "body" else body
    if change == "key":
        secret = f"whsec_{base64.b64encode(bytes((key[0] ^ 1,)) + key[1:]).decode()}"
    if change == "signature":
        signature = f"v1,{altered(signature.removeprefix('v1,'))}"
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
    package = accepts(
        lambda: standardwebhooks.Webhook(secret).verify(body, headers, json_parse=False),
        standardwebhooks.WebhookVerificationError,
        ValueError,
    )
    assert ours("standardwebhooks", body.encode(), headers, now, secrets=[secret]) == package == (change == "nothing")


# Gateways that sign fields.

ITEMS = st.fixed_dictionaries(
    {
        "pspReference": TEXT,
        "originalReference": TEXT,
        "merchantReference": TEXT,
        "amount": st.fixed_dictionaries({"value": st.integers(-(10**9), 10**9), "currency": TEXT}),
        "eventCode": TEXT | st.sampled_from(sorted(ADYEN_EVENTS)),
        "success": st.sampled_from(["true", "false"]),
    }
)


@often
@given(item=ITEMS, key=st.binary(min_size=1, max_size=32), change=CHANGES)
def test_adyen(item: dict[str, Any], key: bytes, change: str) -> None:
    """We ask for more: our account and platform, every item, and no colon where one that decides could be cut."""
    item = item | {"merchantAccountCode": "Shop"}
    signature = generate_notification_sig(item, key.hex()).decode()
    item["additionalData"] = {"hmacSignature": altered(signature) if change == "signature" else signature}
    if change == "body":
        item["amount"] = item["amount"] | {"value": item["amount"]["value"] + 1}
    if change == "key":
        key = bytes((key[0] ^ 1,)) + key[1:]
    delivery = {"live": "true", "notificationItems": [{"NotificationRequestItem": item}]}
    package = is_valid_hmac_notification(delivery, key.hex())
    assert package == (change == "nothing")
    verdict = ours("adyen", json.dumps(delivery).encode(), {}, hmac_keys=[key.hex()], merchant_accounts=["Shop"])
    signed = (item["pspReference"], item["originalReference"], item["amount"]["currency"])
    could_be_cut = item["eventCode"] in ADYEN_EVENTS and any(":" in text for text in signed)
    assert verdict == (package and not could_be_cut)


@often
@given(content=TEXT, private_key=KEYS, change=CHANGES)
def test_braintree(content: str, private_key: str, change: str) -> None:
    """We ask for more: our merchant, no document type, no challenge in the place of a payload."""
    gateway = braintree.BraintreeGateway(
        braintree.Configuration(braintree.Environment.Sandbox, "merchant", "public", private_key)
    )
    document = (
        f"<notification><kind>check</kind><subject><note>{content.encode().hex()}</note></subject></notification>"
    )
    payload = base64.encodebytes(document.encode()).decode()
    signature = braintree.util.crypto.Crypto.sha1_hmac_hash(private_key, payload)
    payload = altered(payload) if change == "body" else payload
    pairs = f"public|{altered(signature) if change == 'signature' else signature}"
    configured = altered(private_key) if change == "key" else private_key
    gateway.config.private_key = configured
    package = accepts(
        lambda: gateway.webhook_notification.parse(pairs, payload), braintree.exceptions.InvalidSignatureError
    )
    body = urlencode({"bt_signature": pairs, "bt_payload": payload}).encode()
    keys = [{"public_key": "public", "private_key": configured}]
    assert ours("braintree", body, {}, keys=keys, merchant_id="merchant") == package == (change == "nothing")


@often
@given(challenge=st.text("0123456789abcdef", min_size=20, max_size=32), private_key=KEYS)
def test_braintrees_challenge_is_answered_as_by_its_package(challenge: str, private_key: str) -> None:
    configuration = braintree.Configuration(braintree.Environment.Sandbox, "merchant", "public", private_key)
    answer = braintree.BraintreeGateway(configuration).webhook_notification.verify(challenge)
    gateway = GATEWAYS["braintree"]
    keys = [{"public_key": "public", "private_key": private_key}]
    request = Request("GET", "/", f"bt_challenge={challenge}".encode(), (), b"", "192.0.2.1", AT)
    assert gateway.reply(request, complete(gateway, {"keys": keys, "merchant_id": "merchant"})).body == answer


@pytest.mark.parametrize("version", redsys.crypto.SIGNATURE_VERSIONS)
@often
@given(
    order=st.from_regex(r"[0-9]{4}[A-Za-z0-9]{0,8}", fullmatch=True),
    key=st.binary(min_size=24, max_size=24),
    change=CHANGES,
)
def test_redsys(version: str, order: str, key: bytes, change: str) -> None:
    """Not Redsys's own, but tried against its servers. We ask for more: our merchant, an allowed version."""
    assume(len({key[:8], key[8:16], key[16:]}) == 3)
    secret = base64.b64encode(key).decode()
    signer = redsys.crypto.get_signer(secret, version)
    parameters = {"Ds_Order": order, "Ds_MerchantCode": "1", "Ds_Response": "0000", "Ds_Amount": "100"}
    encoded = signer.encode_parameters(parameters)
    signature = signer.sign(order, encoded).decode()
    if change == "body":
        encoded = signer.encode_parameters(parameters | {"Ds_Amount": "999"})
    if change == "signature":
        signature = ("B" if signature[0] == "A" else "A") + signature[1:]
    if change == "key":
        secret = base64.b64encode(bytes(byte ^ 0b10 for byte in key)).decode()
    fields = {"Ds_SignatureVersion": version, "Ds_MerchantParameters": encoded.decode(), "Ds_Signature": signature}
    expected = redsys.crypto.get_signer(secret, version).sign(order, encoded).decode()
    package = redsys.clients._normalize_signature(expected) == redsys.clients._normalize_signature(signature)
    config = {"secret_keys": [secret], "merchant_code": "1", "versions": [version]}
    assert ours("redsys", urlencode(fields).encode(), {}, **config) == package == (change == "nothing")


# PayPal: a certificate signs.


class Issuer:
    """A certificate authority of the test's own, and a certificate in the name of PayPal's signer."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        root_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        root = self._certificate("Root of the test", root_key, root_key, "Root of the test", ca=True)
        signer = self._certificate(
            "messageverificationcerts.paypal.com", self.key, root_key, "Root of the test", ca=False
        )
        self.root, self.signer = (one.public_bytes(serialization.Encoding.PEM) for one in (root, signer))

    def _certificate(
        self, name: str, key: rsa.RSAPrivateKey, issuer_key: rsa.RSAPrivateKey, issuer: str, *, ca: bool
    ) -> x509.Certificate:
        def named(common_name: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])

        builder = x509.CertificateBuilder(named(issuer), named(name), key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(AT - timedelta(days=1)).not_valid_after(AT + timedelta(days=1))
        builder = builder.add_extension(x509.BasicConstraints(ca, None), critical=True)
        return builder.sign(issuer_key, hashes.SHA256())

    def sign(self, text: str) -> str:
        return base64.b64encode(self.key.sign(text.encode(), PKCS1v15(), hashes.SHA256())).decode()


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


@settings(often, max_examples=25)
@given(body=BODIES, transmission=st.from_regex(r"[A-Za-z0-9-]{1,40}", fullmatch=True), change=CHANGES)
def test_paypal_signs_the_text_that_its_package_makes(
    issuer: Issuer, body: str, transmission: str, change: str
) -> None:
    """Only the text is the package's: its check calls what its library no longer has, with a root out of date."""
    time = AT.strftime("%Y-%m-%dT%H:%M:%SZ")
    text = paypalrestsdk.notifications.WebhookEvent._get_expected_sig(transmission, time, "4JH86294D6297924G", body)
    signature = issuer.sign(text if change != "key" else text.replace("|4JH", "|5JH"))
    sent = altered(body) if change == "body" else body
    assume(zlib.crc32(sent.encode()) != zlib.crc32(body.encode()) or sent == body)
    headers = {
        "PAYPAL-TRANSMISSION-ID": altered(transmission) if change == "signature" else transmission,
        "PAYPAL-TRANSMISSION-TIME": time,
        "PAYPAL-CERT-URL": "https://api.paypal.com/v1/notifications/certs/CERT-1",
        "PAYPAL-AUTH-ALGO": "SHA256withRSA",
        "PAYPAL-TRANSMISSION-SIG": signature,
    }
    gateway = GATEWAYS["paypal"]
    account = complete(gateway, {"webhook_ids": ["4JH86294D6297924G"], "trusted_roots": [issuer.root.decode()]})
    request = Request("POST", "/", b"", tuple(headers.items()), sent.encode(), "192.0.2.1", AT)
    heard = Sample(gateway, account, request).heard(ask=lambda question: Answer(200, issuer.signer))
    assert is_genuine(heard) == (change == "nothing"), heard[0].detail
