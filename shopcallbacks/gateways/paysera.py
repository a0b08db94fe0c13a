"""Paysera (WebToPay): a form inside base64, signed with MD5 or RSA, or sealed with AES-GCM.

https://developers.paysera.com/en/checkout/integrations/integration-callback
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from cryptography.exceptions import InvalidSignature, InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

from ..domain.values import Message, Outcome, Reply, Request, Verdict, Verification
from .base import Area, Example, Gateway, Kind, Setting, Settings, Step
from .kit.errors import ReadError
from .kit.forms import form_of, read_form
from .kit.json import text
from .kit.messages import no_money_no_decision, unclear, unreadable
from .kit.money import minor, whole
from .kit.signatures import first_match, read_base64, same_hex

# Paysera's status -> our word.
STATUSES = {
    "0": Outcome.failed,  # not executed
    "1": Outcome.paid,
    "2": Outcome.pending,  # accepted, but not yet executed
    "3": Outcome.ignored,  # more about a payment that was told of before
}

NONCE = 12  # bytes in front of the sealed text; the tag is at its end
NOT_BASE64 = "the field data is not base64"


class Paysera(Gateway):
    name = "paysera"
    title = "Paysera"
    letters = "Ps"
    docs = "https://developers.paysera.com/en/checkout/integrations/integration-callback"
    check = "RSA signature ss3 or ss2 with Paysera's public key, else MD5 ss1; or AES-GCM where encryption is on"
    tested = "paysera/lib-webtopay 3.1 (ss1, ss2, ss3, encrypted)"
    methods = ("GET", "POST")
    area = Area.europe
    countries = "Lithuania, Latvia, Estonia, Bulgaria"
    steps = (
        Step(
            "In your Paysera account, under Projects and activities > your project > General settings, copy "
            "project ID and password, and enter both here.",
            "https://www.paysera.com/",
        ),
        Step(
            "Enter Paysera's public key here too: its signatures are stronger than the password's.",
            "https://www.paysera.com/download/public.key",
        ),
        Step(
            "Have your shop send this account's address as callbackurl with each payment.",
            "https://developers.paysera.com/en/checkout/integrations/integration-callback",
        ),
        Step(
            "Have your shop send the order number as orderid.",
        ),
        Step(
            "Make a payment with test=1, which moves no money.",
        ),
    )
    settings = (
        Setting(
            "project_id",
            "Project ID",
            Kind.text,
            "Paysera account > Projects and activities > your project > General settings.",
            required=True,
        ),
        Setting(
            "sign_passwords",
            "Project passwords",
            Kind.secrets,
            "Paysera account > Projects and activities > your project > General settings > Password.",
            required=True,
        ),
        Setting(
            "public_key",
            "Paysera's public key",
            Kind.text,
            "PEM text from https://www.paysera.com/download/public.key. With it only the RSA signatures count, "
            "which are stronger than the MD5 one.",
            multiline=True,
        ),
    )

    def verify(self, request: Request, settings: Settings) -> Verification:
        try:
            form = read_form(form_of(request))
        except ReadError as error:
            return Verification.not_genuine(str(error), unreadable=True)
        if "data" not in form:
            return Verification.not_genuine("The field data is missing.")
        verification = _check(form, settings)
        if verification.verdict is not Verdict.genuine:
            return verification
        try:
            content = _unpack(form, settings)
        except ReadError:
            return verification  # signed but unreadable: unclear to interpret
        try:
            project = read_form(content).get("projectid")
        except ReadError as error:
            return Verification.not_genuine(f"Inside data: {error}.")
        if project != settings["project_id"]:
            return Verification.not_genuine("It is about another Paysera project.")
        return verification

    def interpret(self, request: Request, settings: Settings, evidence: Mapping[str, Any]) -> tuple[Message, ...]:
        try:
            return (_message(read_form(_unpack(read_form(form_of(request)), settings))),)
        except ReadError as error:
            return (unreadable(error),)

    def reply(self, request: Request, settings: Settings) -> Reply:
        return Reply(body="OK")  # anything else, and Paysera sends the callback again

    def example(self, settings: Settings, message: Message, at: datetime) -> Example | None:
        status = next((word for word, outcome in STATUSES.items() if outcome is message.outcome), None)
        if status is None or message.money is None or settings["public_key"]:  # only Paysera has the private key
            return None
        amount = str(int(message.money.amount.scaleb(2)))
        content = {
            "projectid": settings["project_id"],
            "orderid": message.order_number or "",
            "amount": amount,
            "currency": message.money.currency,
            "p_email": message.customer or "",
            "test": "1" if message.test else "0",
            "status": status,
            "payamount": amount,
            "paycurrency": message.money.currency,
            "requestid": message.transaction_id or "",
        }
        data = base64.urlsafe_b64encode(urlencode(content).encode()).decode()
        query = urlencode({"data": data, "ss1": _md5(data, settings["sign_passwords"][0]).hex()}).encode()
        return Example(Request("GET", "/", query, (), b"", "127.0.0.1", at))


def _is_sealed(form: Mapping[str, str]) -> bool:
    """With encryption switched on in the project only data comes."""
    return not {"ss1", "ss2", "ss3"} & form.keys()


def _check(form: Mapping[str, str], settings: Settings) -> Verification:
    passwords, data = settings["sign_passwords"], form["data"]
    if _is_sealed(form):
        if read_base64(data, urlsafe=True) is None:
            return Verification.not_genuine(NOT_BASE64, unreadable=True)
        matched = first_match(passwords, lambda password: _open(data, password) is not None)
        problem = "The data is neither signed, nor sealed with a live project password."
    elif settings["public_key"]:
        name, algorithm = ("ss3", hashes.SHA256()) if "ss3" in form else ("ss2", hashes.SHA1())  # nosec B303 - theirs
        if _is_signed(data, form.get(name, ""), algorithm, settings["public_key"]):
            return Verification.genuine()
        return Verification.not_genuine(f"The signature {name} is missing or does not fit Paysera's public key.")
    else:
        matched = first_match(passwords, lambda password: same_hex(form.get("ss1"), _md5(data, password)))
        problem = "The signature ss1 fits no live project password."
    return Verification.not_genuine(problem) if matched is None else Verification.genuine(matched=matched)


def _md5(data: str, password: str) -> bytes:
    return hashlib.md5((data + password).encode(), usedforsecurity=False).digest()


def _public_key(pem: str) -> object:
    """The key may come inside a certificate."""
    if "BEGIN CERTIFICATE" in pem:
        return load_pem_x509_certificate(pem.encode()).public_key()
    return load_pem_public_key(pem.encode())


def _is_signed(data: str, signature: str, algorithm: hashes.HashAlgorithm, pem: str) -> bool:
    try:
        key = _public_key(pem)
        if isinstance(key, RSAPublicKey):
            key.verify(read_base64(signature, urlsafe=True) or b"", data.encode(), PKCS1v15(), algorithm)
            return True
    except (ValueError, InvalidSignature, UnsupportedAlgorithm):
        pass
    return False


def _open(data: str, password: str) -> bytes | None:
    """The sealed text; None where the password does not open it."""
    box = read_base64(data, urlsafe=True) or b""
    try:
        return AESGCM(password.encode()).decrypt(box[:NONCE], box[NONCE:], None)
    except (ValueError, InvalidTag):
        return None


def _unpack(form: Mapping[str, str], settings: Settings) -> bytes:
    """The form inside data."""
    data = form.get("data", "")
    if _is_sealed(form):
        opened = (_open(data, password) for password in settings["sign_passwords"] or ())
        content = next((found for found in opened if found is not None), None)
        if content is None:
            raise ReadError("no live project password opens the data")
        return content
    content = read_base64(data, urlsafe=True)
    if content is None:
        raise ReadError(NOT_BASE64)
    return content


def _message(payment: Mapping[str, str]) -> Message:
    status, test = payment.get("status"), payment.get("test")
    known: dict[str, Any] = {
        "order_number": text(payment.get("orderid")),
        "transaction_id": text(payment.get("requestid")),
        # The order's own money; payamount is what left the payer after conversion.
        "money": minor(whole(payment.get("amount")), payment.get("currency"), 2),
        "test": None if test is None else test == "1",
        "customer": text(payment.get("p_email")),
    }
    if not status:
        # Our own payment request is signed like ss1, and the customer can send it here.
        return unclear("It has no status: this is a payment request of the shop's own, not a result.", **known)
    if status not in STATUSES:
        return unclear(f'Paysera\'s status "{status}" is not known.', **known)
    return no_money_no_decision(Message(STATUSES[status], **known))
