"""Redsys: base64 JSON in a form, signed with a key made from the order number.

https://pagosonline.redsys.es/conexion-redireccion.html
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from ..domain.values import Message, Outcome, Request, Verification
from .base import AUTHORISED, Area, Example, Gateway, Kind, Setting, Settings, Step
from .kit.errors import ReadError
from .kit.forms import form_request, read_form, upper_names
from .kit.json import read_object, text
from .kit.messages import name_refund, no_money_no_decision, our_word, unclear, unreadable
from .kit.money import minor, whole
from .kit.signatures import first_match, read_base64, same

# Ds_TransactionType -> (the responses that mean it was done, our word then). 0 to 99 all mean "authorised".
GRANTED = range(100)
CONFIRMATION, ANNULMENT = "2", "9"
TYPES = {
    "0": (GRANTED, "paid"),
    "1": (GRANTED, "authorised"),  # pre-authorisation
    CONFIRMATION: ((*GRANTED, 900), "paid"),
    "3": ((*GRANTED, 900), "refunded"),
    "7": (GRANTED, "ignored"),  # authentication only
    ANNULMENT: ((400,), "cancelled"),
}
# Ds_Response -> our word, of whatever type.
RESPONSES = {9915: "cancelled", 9998: "pending", 9999: "pending"}  # 9915: the customer gave up

# ISO 4217 numbers.
CURRENCIES = dict(
    pair.split("=")
    for pair in """
    032=ARS 036=AUD 124=CAD 152=CLP 156=CNY 170=COP 188=CRC 203=CZK 208=DKK 214=DOP 320=GTQ 344=HKD 348=HUF 352=ISK
    356=INR 376=ILS 392=JPY 410=KRW 484=MXN 504=MAD 554=NZD 578=NOK 600=PYG 604=PEN 643=RUB 702=SGD 752=SEK 756=CHF
    764=THB 784=AED 826=GBP 840=USD 858=UYU 946=RON 949=TRY 975=BGN 978=EUR 985=PLN 986=BRL
    """.split()
)

SHA256_V1, SHA512_V1, SHA512_V2 = "HMAC_SHA256_V1", "HMAC_SHA512_V1", "HMAC_SHA512_V2"


class Redsys(Gateway):
    name = "redsys"
    title = "Redsys"
    letters = "Rs"
    docs = "https://pagosonline.redsys.es/conexion-redireccion.html"
    check = "HMAC of Ds_MerchantParameters under a key made from the order number, in Ds_Signature"
    tested = "python-redsys (all versions), redsys-easy (V1)"
    longest_number = 12
    area = Area.europe
    countries = "Spain"
    steps = (
        Step(
            "In the Canales administration, under Comercios, copy merchant code (FUC) and terminal, and enter both "
            "here.",
            "https://canales.redsys.es/",
        ),
        Step(
            "Open your terminal there, press Ver clave, and enter the key for SHA-256 here.",
        ),
        Step(
            "Switch on the online notification by HTTP there, and have your shop send this account's address as "
            "Ds_Merchant_MerchantURL.",
            "https://pagosonline.redsys.es/conexion-redireccion.html",
        ),
        Step(
            "Have your shop send the order number as Ds_Merchant_Order: 4 to 12 characters, the first four of them "
            "digits.",
        ),
        Step(
            "Make a payment in Redsys's test system, which has a key of its own.",
        ),
    )
    settings = (
        Setting(
            "merchant_code", "Merchant code (FUC)", Kind.text, "Canales administration > Comercios.", required=True
        ),
        Setting("terminal", "Terminal", Kind.text, "Canales administration > Comercios. Empty: any of the merchant's."),
        Setting(
            "secret_keys",
            "Secret keys",
            Kind.secrets,
            "Canales administration > Comercios > your terminal > Ver clave (Clave SHA-256), as it is shown.",
            required=True,
        ),
        Setting(
            "versions",
            "Allowed versions of the signature",
            Kind.choices,
            "What your terminal is set to; a callback signed in another way is refused.",
            default=[SHA256_V1, SHA512_V2],
            choices=(SHA256_V1, SHA512_V1, SHA512_V2),
        ),
        AUTHORISED,
    )

    def verify(self, request: Request, settings: Settings) -> Verification:
        try:
            form = upper_names(read_form(request.body))
            payment = _read(form)
        except ReadError as error:
            return Verification.not_genuine(str(error), unreadable=True)
        version, order = form.get("DS_SIGNATUREVERSION", ""), payment.get("DS_ORDER")
        if version not in (settings["versions"] or ()):
            return Verification.not_genuine("Ds_SignatureVersion is missing or names a version that is not allowed.")
        if order is None:
            return Verification.not_genuine("It names no order, so the key of the signature can't be made.")
        signed, signature = form["DS_MERCHANTPARAMETERS"], _standard(form.get("DS_SIGNATURE", ""))
        matched = first_match(
            settings["secret_keys"], lambda secret: same(_sign(version, secret, order, signed), signature)
        )
        if matched is None:
            return Verification.not_genuine("Ds_Signature is missing or fits no live secret key.")
        if payment.get("DS_MERCHANTCODE") != settings["merchant_code"]:
            return Verification.not_genuine("It is about another Redsys merchant.")
        if settings["terminal"] and _number(payment.get("DS_TERMINAL")) != _number(settings["terminal"]):
            return Verification.not_genuine("It is about another terminal of the merchant.")
        return Verification.genuine(matched=matched)

    def interpret(self, request: Request, settings: Settings, evidence: Mapping[str, Any]) -> tuple[Message, ...]:
        try:
            return (_message(_read(upper_names(read_form(request.body))), settings),)
        except ReadError as error:
            return (unreadable(error),)

    def example(self, settings: Settings, message: Message, at: datetime) -> Example | None:
        responses = {
            Outcome.paid: ("0", "0000"),
            Outcome.pending: ("0", "9998"),
            Outcome.failed: ("0", "0190"),
            Outcome.cancelled: ("0", "9915"),
            Outcome.refunded: ("3", "0900"),
        }
        numbers = {code: number for number, code in CURRENCIES.items()}
        if message.outcome not in responses or message.money is None or message.money.currency not in numbers:
            return None
        kind, response = responses[message.outcome]
        is_done = message.outcome in (Outcome.paid, Outcome.refunded)
        order = message.order_number or ""
        payment = {
            "Ds_Date": f"{at:%d/%m/%Y}",
            "Ds_Hour": f"{at:%H:%M}",
            "Ds_Amount": str(message.money.minor),
            "Ds_Currency": numbers[message.money.currency],
            "Ds_Order": order,
            "Ds_MerchantCode": settings["merchant_code"],
            "Ds_Terminal": (settings["terminal"] or "1").zfill(3),
            "Ds_Response": response,
            "Ds_TransactionType": kind,
            "Ds_AuthorisationCode": (message.transaction_id or "").rjust(6)[-6:] if is_done else " " * 6,
        }
        content = json.dumps({name: quote_plus(value) for name, value in payment.items()}, separators=(",", ":"))
        signed = base64.urlsafe_b64encode(content.encode()).decode()
        version = (settings["versions"] or [SHA256_V1])[0]
        if version == SHA512_V2:
            signed = signed.rstrip("=")
        signature = _sign(version, settings["secret_keys"][0], order, signed)
        fields = {"Ds_SignatureVersion": version, "Ds_MerchantParameters": signed, "Ds_Signature": signature}
        return Example(form_request(fields, at))


def _standard(encoded: str) -> str:
    """Base64 in the standard alphabet without padding; Redsys sends either alphabet, padded or not."""
    return encoded.replace("-", "+").replace("_", "/").rstrip("=")


def _read(form: Mapping[str, str]) -> dict[str, str]:
    """The parameters by names in capitals (some terminals send them so); each value is form-encoded inside the JSON."""
    if "DS_MERCHANTPARAMETERS" not in form:
        raise ReadError("the field Ds_MerchantParameters is missing")
    parameters = read_base64(_standard(form["DS_MERCHANTPARAMETERS"]))
    if parameters is None:
        raise ReadError("the field Ds_MerchantParameters is not base64")
    fields = upper_names(read_object(parameters, strict_names=True))
    decoded = {name: text(unquote_plus(text(value) or "").strip()) for name, value in fields.items()}
    return {name: value for name, value in decoded.items() if value is not None}


def _sign(version: str, secret: str, order: str, signed: str) -> str | None:
    """The signature, in the standard alphabet without padding; None where the secret can't be a key."""
    try:
        key = _key_v1(secret, order) if version == SHA256_V1 else _key_v2(secret, order)
    except (ValueError, binascii.Error):
        return None
    digest = hmac.new(key, signed.encode(), hashlib.sha256 if version == SHA256_V1 else hashlib.sha512).digest()
    return _standard(base64.b64encode(digest).decode())


def _key_v1(secret: str, order: str) -> bytes:
    """Filled up with zero bytes; a full block gets no other."""
    plain = order.encode()
    encryptor = Cipher(TripleDES(base64.b64decode(secret)), CBC(bytes(8))).encryptor()
    return encryptor.update(plain + bytes(-len(plain) % 8)) + encryptor.finalize()


def _key_v2(secret: str, order: str) -> bytes:
    """The base64 text itself is the key."""
    padder = PKCS7(AES.block_size).padder()
    encryptor = Cipher(AES(secret[:16].ljust(16, "0").encode()), CBC(bytes(16))).encryptor()
    return base64.b64encode(encryptor.update(padder.update(order.encode()) + padder.finalize()) + encryptor.finalize())


def _number(digits: str | None) -> int | None:
    return int(digits) if digits and re.fullmatch(r"\d{1,4}", digits, re.ASCII) else None


def _message(payment: Mapping[str, str], settings: Settings) -> Message:
    order, code = payment.get("DS_ORDER"), payment.get("DS_AUTHORISATIONCODE")
    currency = CURRENCIES.get(payment.get("DS_CURRENCY", "").zfill(3))
    known: dict[str, Any] = {
        "order_number": order,
        "transaction_id": code,
        "money": minor(whole(payment.get("DS_AMOUNT")), currency),
    }
    response, kind = _number(payment.get("DS_RESPONSE")), payment.get("DS_TRANSACTIONTYPE", "")
    if response is None:
        return unclear("Redsys's response can't be read.", **known)
    if response not in RESPONSES and kind not in TYPES:
        return unclear(f'Redsys\'s transaction type "{kind}" is not known.', **known)
    message = no_money_no_decision(Message(our_word(_word(kind, response), settings["authorised"]), **known))
    waits = settings["authorised"] == "pending"
    own = f"order {order}:{code}" if code else None
    match message.outcome:
        case Outcome.paid:
            # Authorisation codes are short and come again; an order number is paid once, in one step or two. Where
            # only the second step counts it can come in parts.
            return replace(message, movement=own if own and waits and kind == CONFIRMATION else f"order {order}")
        case Outcome.refunded:
            # The code is the refund's own, and an order number has one payment.
            return replace(name_refund(message, own), transaction_id=None)
        case Outcome.cancelled:
            return replace(message, uncaptured=waits and kind == ANNULMENT and response not in RESPONSES)
    return message


def _word(kind: str, response: int) -> str:
    if response in RESPONSES:
        return RESPONSES[response]
    done, word = TYPES[kind]
    if response in done:
        return word
    return "ignored" if word == "refunded" else "failed"
