"""Authorize.Net SIM and DPM (relay response, silent post): a form hashed with HMAC-SHA512, on old accounts with MD5.

https://www.authorize.net/content/dam/authorize/documents/SIM_guide.pdf
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import Any

from ..domain.values import Message, Outcome, Reply, Request, Verification
from .base import AUTHORISED, Area, Example, Gateway, Kind, Setting, Settings, Step
from .kit.errors import ReadError
from .kit.forms import form_request, read_form
from .kit.json import text
from .kit.messages import name_refund, no_money_no_decision, our_word, unclear, unreadable
from .kit.money import major
from .kit.signatures import first_match, same_hex

# x_type -> x_response_code -> our word. "authorised": what the account's setting says.
REFUSED = {"2": "failed", "3": "failed", "4": "pending"}  # declined, an error, held for review
SALE = {"1": "paid", **REFUSED}
REFUND = {"1": "refunded", "2": "ignored", "3": "ignored", "4": "ignored"}
TYPES = {
    "auth_capture": SALE,
    "capture_only": SALE,
    "auth_only": {"1": "authorised", **REFUSED},
    "credit": REFUND,
    "void": REFUND,
    "prior_auth_capture": {},  # ignored, whatever the code: the authorisation was told of before
}

# What x_SHA2_Hash covers, in this order; absent ones count as empty.
HASHED_FIELDS = """
    x_trans_id x_test_request x_response_code x_auth_code x_cvv2_resp_code x_cavv_response x_avs_code x_method
    x_account_number x_amount x_company x_first_name x_last_name x_address x_city x_state x_zip x_country x_phone x_fax
    x_email x_ship_to_company x_ship_to_first_name x_ship_to_last_name x_ship_to_address x_ship_to_city x_ship_to_state
    x_ship_to_zip x_ship_to_country x_invoice_num
""".split()

INVOICE = "x_invoice_num"  # 20 characters at most

# The hashed values are joined with ^, which is not escaped. Without one in what stands in front of the customer's own
# fields and in what stands behind them, these can't be cut anew; a customer's company may have one.
DECIDING_FIELDS = (*HASHED_FIELDS[: HASHED_FIELDS.index("x_company")], INVOICE)

# The hash is over whatever bytes came. Latin-1 has a character for each byte, so it loses none.
BYTES = "iso-8859-1"


class AuthorizeNetSim(Gateway):
    name = "authorizenet_sim"
    title = "Authorize.Net SIM"
    letters = "AS"
    docs = "https://www.authorize.net/content/dam/authorize/documents/SIM_guide.pdf"
    check = "HMAC-SHA512 of 30 fields in x_SHA2_Hash; on accounts without a signature key MD5 in x_MD5_Hash"
    tested = "Authorize.Net PHP SDK 1.x (MD5), Magento's module and its tests"
    longest_number = {INVOICE: 20}
    area = Area.americas
    countries = "United States, Canada"
    steps = (
        Step(
            "In the Merchant Interface, under Account > Settings > API Credentials & Keys, make a new signature "
            "key and enter it here with the API login ID.",
            "https://account.authorize.net/",
        ),
        Step(
            "In the Merchant Interface's settings enter this account's address as the silent post URL, or have "
            "your shop send it as x_relay_url.",
            "https://www.authorize.net/content/dam/authorize/documents/SIM_guide.pdf",
        ),
        Step(
            "Have your shop send the order number as x_invoice_num, of 20 characters at most.",
        ),
        Step(
            "With a relay response, enter the shop's page after paying here: our answer leads the customer there.",
        ),
        Step(
            "Pay in the sandbox, which has accounts and keys of its own.",
            "https://sandbox.authorize.net/",
        ),
    )
    settings = (
        Setting(
            "api_login_id",
            "API login ID",
            Kind.text,
            "Merchant Interface > Account > Settings > API Credentials & Keys.",
            required=True,
        ),
        Setting(
            "signature_keys",
            "Signature keys",
            Kind.secrets,
            "Merchant Interface > Account > Settings > API Credentials & Keys > New Signature Key (128 hex digits).",
        ),
        Setting(
            "md5_hash_keys",
            "MD5 hash keys",
            Kind.secrets,
            "Merchant Interface > Account > Settings > MD5-Hash. Only without a signature key: an MD5 hash covers "
            "neither the result nor the order.",
        ),
        Setting(
            "order_field",
            "Field of the order number",
            Kind.choice,
            "orderGuid is YES Cart's, and must agree with x_invoice_num.",
            default=INVOICE,
            choices=(INVOICE, "orderGuid"),
        ),
        Setting(
            "currency",
            "Currency of the account",
            Kind.text,
            "Three letters. Counts where the callback names none.",
            default="USD",
        ),
        AUTHORISED,
        Setting(
            "return_url",
            "The shop's page after paying",
            Kind.text,
            "Authorize.Net shows the customer our reply to a relay response; the reply then leads to this address.",
        ),
    )

    def verify(self, request: Request, settings: Settings) -> Verification:
        try:
            form = read_form(request.body, BYTES)
        except ReadError as error:
            return Verification.not_genuine(str(error), unreadable=True)
        if settings["signature_keys"]:  # then an MD5 hash does not count
            matched = first_match(settings["signature_keys"], lambda key: _has_sha2(form, key))
        else:
            matched = first_match(
                settings["md5_hash_keys"], lambda key: same_hex(form.get("x_MD5_Hash"), _md5(form, key, settings))
            )
        if matched is None:
            return Verification.not_genuine("The hash is missing or fits no live key.")
        odd = next((name for name in DECIDING_FIELDS if "^" in form.get(name, "")), None)
        if settings["signature_keys"] and odd:
            return Verification.not_genuine(f"There is a ^ in {odd}: what is hashed may have been cut anew.")
        # Only x_invoice_num is hashed, so another field must agree with it.
        if form.get(INVOICE) != _invoice_of(form.get(_order_field(settings)), settings):
            return Verification.not_genuine("The order number does not agree with the hashed x_invoice_num.")
        return Verification.genuine(matched=matched)

    def interpret(self, request: Request, settings: Settings, evidence: Mapping[str, Any]) -> tuple[Message, ...]:
        try:
            return (_message(read_form(request.body, BYTES), settings),)
        except ReadError as error:
            return (unreadable(error),)

    def reply(self, request: Request, settings: Settings) -> Reply:
        if not settings["return_url"]:
            return Reply()
        url = escape(settings["return_url"])
        page = f'<!doctype html><meta http-equiv="refresh" content="0; url={url}"><a href="{url}">Back to the shop</a>'
        return Reply(body=page, content_type="text/html; charset=utf-8")

    def example(self, settings: Settings, message: Message, at: datetime) -> Example | None:
        results = {
            Outcome.paid: ("auth_capture", "1"),
            Outcome.pending: ("auth_capture", "4"),
            Outcome.failed: ("auth_capture", "2"),
            Outcome.refunded: ("credit", "1"),
        }
        has_key = settings["signature_keys"] or settings["md5_hash_keys"]
        if message.outcome not in results or message.money is None or not has_key:
            return None
        kind, code = results[message.outcome]
        fields = {
            "x_response_code": code,
            "x_type": kind,
            "x_trans_id": message.transaction_id or "0",
            "x_amount": str(message.money.amount),
            "x_currency_code": message.money.currency,
            "x_method": "CC",
            "x_email": message.customer or "",
            "x_test_request": "true" if message.test else "false",
            _order_field(settings): message.order_number or "",
        }
        fields[INVOICE] = _invoice_of(message.order_number or "", settings) or ""
        if settings["signature_keys"]:
            fields["x_SHA2_Hash"] = _sha2(fields, settings["signature_keys"][0]).hex().upper()
        else:
            fields["x_MD5_Hash"] = _md5(fields, settings["md5_hash_keys"][0], settings).hex().upper()
        return Example(form_request(fields, at, BYTES))


def _order_field(settings: Settings) -> str:
    return settings["order_field"] or INVOICE


def _invoice_of(order: str | None, settings: Settings) -> str | None:
    """The x_invoice_num that belongs to the order number."""
    if order is None or _order_field(settings) == INVOICE:
        return order
    return order.replace("-", "")[:20]


def _has_sha2(form: Mapping[str, str], key: str) -> bool:
    try:
        return same_hex(form.get("x_SHA2_Hash"), _sha2(form, key))
    except ValueError:
        return False  # the key in the settings is not hex


def _sha2(form: Mapping[str, str], key: str) -> bytes:
    values = "".join(f"^{form.get(name, '')}" for name in HASHED_FIELDS) + "^"
    return hmac.new(bytes.fromhex(key), values.encode(BYTES, "replace"), hashlib.sha512).digest()


def _md5(form: Mapping[str, str], key: str, settings: Settings) -> bytes:
    values = f"{key}{settings['api_login_id']}{form.get('x_trans_id', '')}{form.get('x_amount', '0.00')}"
    return hashlib.md5(values.encode(BYTES, "replace"), usedforsecurity=False).digest()


def _text(value: str | None) -> str | None:
    """The field as UTF-8 where it is, else as the Latin-1 that Authorize.Net's pages describe."""
    try:
        return text(value and value.encode(BYTES).decode("utf-8"))
    except UnicodeDecodeError:
        return text(value)


def _message(form: Mapping[str, str], settings: Settings) -> Message:
    order, transaction, test = (
        _text(form.get(name)) for name in (_order_field(settings), "x_trans_id", "x_test_request")
    )
    kind, code = (form.get("x_type") or "auth_capture").lower(), form.get("x_response_code", "")
    known: dict[str, Any] = {
        "order_number": order,
        "transaction_id": transaction,
        "money": major(form.get("x_amount"), form.get("x_currency_code") or settings["currency"]),
        "test": None if test is None else test.lower() == "true",
        "customer": _text(form.get("x_email")),
    }
    if kind not in TYPES:
        return unclear(f'Authorize.Net\'s transaction type "{_text(kind)}" is not known.', **known)
    word = "ignored" if kind == "prior_auth_capture" else TYPES[kind].get(code)
    if word is None:
        return unclear(f'Authorize.Net\'s response code "{_text(code)}" is not known.', **known)
    if kind == "credit" and word == "refunded":
        known["transaction_id"] = None  # it is the credit's own, and of which payment it does not say
    payment = transaction if transaction != "0" else f"order {order}"  # every test request's transaction is 0
    message = Message(our_word(word, settings["authorised"]), movement=payment, **known)
    return name_refund(no_money_no_decision(message), f"{payment}:{kind}" if payment else None)
