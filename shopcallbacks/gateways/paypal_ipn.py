"""PayPal IPN: unsigned forms; PayPal is asked whether it sent them. https://developer.paypal.com/api/nvp-soap/ipn/"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlencode

from ..domain.values import Answer, Ask, Asking, Message, NoAnswer, Outcome, Request, Verification
from .base import AUTHORISED, Area, Example, Gateway, Kind, Setting, Settings, Step
from .kit.answers import unreachable
from .kit.errors import ReadError, stopped
from .kit.forms import split_form
from .kit.json import text
from .kit.messages import name_refund, our_word, unclear, unreadable
from .kit.moments import iso
from .kit.paypal import ENVIRONMENT, read_amount, write_amount

# payment_status -> our word
STATUS = {
    "Completed": "paid",
    "Pending": "pending",
    "Processed": "pending",
    "In-Progress": "pending",
    "Created": "pending",
    "Failed": "failed",
    "Denied": "failed",
    "Expired": "cancelled",
    "Voided": "cancelled",
    "Refunded": "refunded",
    "Reversed": "charged_back",
    "Canceled_Reversal": "chargeback_reversed",
    "Partially_Refunded": "refunded",
}
# Here txn_id names the refund and parent_txn_id the payment.
OF_A_PAYMENT = {"Refunded", "Reversed", "Canceled_Reversal", "Partially_Refunded"}
# txn_type
PAYMENTS = set(
    "web_accept cart express_checkout virtual_terminal send_money merch_pmt pro_hosted subscr_payment recurring_payment"
    " recurring_payment_outstanding_payment paypal_here invoice_payment".split()
)
CASES = {"new_case": "disputed", "adjustment": "ignored"}  # a case that is closed: for whom it does not say
NO_PAYMENTS = {"masspay", "payout"}
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
ZONES = {"PDT": "-07:00", "PST": "-08:00"}

HOSTS = {"live": "ipnpb.paypal.com", "sandbox": "ipnpb.sandbox.paypal.com"}
RECEIVER = ("receiver_id", "receiver_email", "business")
PAYER = ("payer_id", "payer_email")  # of a mass payment: there the payer is us

# PayPal's names of character sets -> Python's. Of any other set only ASCII is read.
CHARSETS = {
    **{name: name for name in "utf-8 us-ascii big5 euc-jp euc-kr gbk iso-2022-jp iso-2022-kr koi8-r".split()},
    **{f"iso-8859-{part}": f"iso-8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 15)},
    **{f"windows-{page}": f"cp{page}" for page in (874, 949, *range(1250, 1259))},
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "hz-gb-2312": "hz",
    "ibm-862": "cp862",
    "x-mac-greek": "mac_greek",
    "x-mac-turkish": "mac_turkish",
    "x-mac-centraleurroman": "mac_latin2",
    "x-mac-cyrillic": "mac_cyrillic",
}


class PayPalIpn(Gateway):
    name = "paypal_ipn"
    title = "PayPal IPN"
    letters = "PI"
    docs = "https://developer.paypal.com/api/nvp-soap/ipn/IPNIntro/"
    payment_pages = (
        "https://www.paypal.com/activity/payment/{id}",
        "https://www.sandbox.paypal.com/activity/payment/{id}",
    )
    check = "The body goes back to PayPal as it came; PayPal answers VERIFIED or INVALID"
    tested = "django-paypal 2.1, its network replaced"
    area = Area.worldwide
    countries = "Everywhere"
    much_used = True
    steps = (
        Step(
            "In PayPal's Account Settings, under the instant payment notifications, switch them on with this "
            "account's address.",
            "https://developer.paypal.com/api/nvp-soap/ipn/IPNSetup/",
        ),
        Step(
            "Where your shop sends notify_url with a payment, that address counts instead: make it this account's.",
        ),
        Step(
            "Enter the e-mail addresses that receive the money here: the account's primary one, and those that "
            "your buttons name.",
        ),
        Step(
            "Have your shop send the order number as invoice, or as custom if that is chosen here.",
        ),
        Step(
            "Pay from one sandbox account to another, with an account here whose environment is sandbox.",
            "https://developer.paypal.com/tools/sandbox/",
        ),
    )
    settings = (
        Setting(
            "receiver_emails",
            "Receiver e-mail addresses",
            Kind.texts,
            "PayPal > Account Settings > Business profile > Email. The primary one and those that your buttons name.",
        ),
        Setting(
            "receiver_id",
            "Merchant ID",
            Kind.text,
            "PayPal > Account Settings > Business information > PayPal Merchant ID. Where set, it decides alone.",
        ),
        ENVIRONMENT,
        Setting(
            "order_field",
            "Field of the order number",
            Kind.choice,
            "The field in which your shop hands PayPal the order number.",
            default="invoice",
            choices=("invoice", "custom"),
        ),
        AUTHORISED,
    )

    def asks(self, settings: Settings) -> bool:
        return True

    def verify(self, request: Request, settings: Settings) -> Asking:
        try:
            fields = _read(request)
        except ReadError as error:
            return Verification.not_genuine(f"It can't be read: {error}.", unreadable=True)
        if b"cmd" in dict(split_form(request.body)):
            return Verification.not_genuine("It brings a cmd of its own, which PayPal never does.")
        if not _is_ours(fields, settings):
            return Verification.not_genuine("It is about another PayPal account.")
        if fields.get("test_ipn") == "1" and not _is_sandbox(settings):
            return Verification.not_genuine("It is from PayPal's sandbox, and this account is live.")
        # Byte for byte as it came: PayPal says INVALID to a form that was read and written again.
        answer = yield Ask(
            "POST",
            f"https://{HOSTS['sandbox' if _is_sandbox(settings) else 'live']}/cgi-bin/webscr",
            (("Content-Type", "application/x-www-form-urlencoded"), ("User-Agent", "shopcallbacks")),
            b"cmd=_notify-validate&" + request.body,
        )
        if isinstance(answer, NoAnswer) or answer.status != 200:
            return unreachable("PayPal", answer)
        match answer.body.strip():
            case b"VERIFIED":
                return Verification.genuine(evidence={"answer": "VERIFIED"})
            case b"INVALID":
                return Verification.not_genuine("PayPal answered INVALID: it did not send this, or not like this.")
            case _:
                return unreachable("PayPal", answer, "neither VERIFIED nor INVALID")

    def interpret(self, request: Request, settings: Settings, evidence: Mapping[str, Any]) -> tuple[Message, ...]:
        try:
            fields = _read(request)
        except ReadError as error:
            return (unreadable(error, test=_is_sandbox(settings)),)
        return (name_refund(_message(fields, settings)),)

    def example(self, settings: Settings, message: Message, at: datetime) -> Example | None:
        status = {
            Outcome.paid: "Completed",
            Outcome.pending: "Pending",
            Outcome.failed: "Failed",
            Outcome.cancelled: "Voided",
            Outcome.refunded: "Refunded",
        }.get(message.outcome)
        if status is None or message.money is None:
            return None
        fields = {
            "mc_gross": write_amount(message.money),
            "mc_currency": message.money.currency,
            "payment_status": status,
            "payment_date": at.astimezone(timezone(timedelta(hours=-8))).strftime("%H:%M:%S %b %d, %Y PST"),
            "payment_type": "instant",
            "txn_type": "web_accept",
            "txn_id": message.transaction_id or "",
            settings["order_field"]: message.order_number or "",
            "payer_email": message.customer or "",
            "receiver_email": (settings["receiver_emails"] or [""])[0],
            "receiver_id": settings["receiver_id"] or "",
            "charset": "UTF-8",
            "notify_version": "3.9",
        }
        if message.outcome is Outcome.pending:
            fields["pending_reason"] = "echeck"
        if message.outcome is Outcome.refunded:
            del fields["txn_type"]
            fields |= {
                "mc_gross": "-" + fields["mc_gross"],
                "txn_id": message.event_id or "",
                "parent_txn_id": message.transaction_id or "",
                "reason_code": "refund",
            }
        if _is_sandbox(settings):
            fields["test_ipn"] = "1"
        headers = (
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("User-Agent", "PayPal IPN ( https://www.paypal.com/ipn )"),
        )
        request = Request("POST", "/", b"", headers, urlencode(fields).encode(), "127.0.0.1", at)
        return Example(request, (Answer(200, b"VERIFIED"),))


def _is_sandbox(settings: Settings) -> bool:
    return bool(settings["environment"] == "sandbox")


def _read(request: Request) -> dict[str, str]:
    """The form's fields that can be read. An error where there is no form, or where a name comes twice.

    A field that is not in the form's character set is left out: PayPal cuts long ones off inside a letter.
    """
    if request.method != "POST":
        raise ReadError(f"IPN comes by POST, not by {request.method}")
    if b"=" not in request.body:
        raise stopped("a form", 0, request.body)
    # Bytes first: a Shift_JIS letter can end in a byte that is a backslash or a letter in ASCII.
    pairs = split_form(request.body)
    raw = dict(pairs)
    if len(raw) != len(pairs):
        raise ReadError("a field comes twice")
    named = raw.get(b"charset") or b"windows-1252"
    charset = CHARSETS.get(named.decode("latin-1").lower(), "ascii")
    fields = {}
    for name, value in raw.items():
        try:
            fields[name.decode("ascii")] = value.decode(charset)
        except UnicodeDecodeError:
            continue
    return fields


def _is_ours(fields: Mapping[str, str], settings: Settings) -> bool:
    """Whether we are paid. PayPal vouches for a notice about anybody's payment, and a thief can pay himself."""
    our_id = settings["receiver_id"]
    our_addresses = [address.lower() for address in settings["receiver_emails"] or ()]
    kind = fields.get("txn_type")
    if kind in CASES and not any(fields.get(name) for name in RECEIVER):
        return True
    account, *addresses = (fields.get(name) for name in (PAYER if kind == "masspay" else RECEIVER))
    if our_id and account:
        return bool(account == our_id)
    # receiver_email is the account's primary address whichever was paid, business the one that the button named.
    return any(address.lower() in our_addresses for address in addresses if address)


def _message(fields: Mapping[str, str], settings: Settings) -> Message:
    status, kind = text(fields.get("payment_status")), text(fields.get("txn_type"))
    if kind is None and status is None and fields.get("case_type") == "chargeback":
        kind = "new_case"  # it came like this once
    transaction, parent = text(fields.get("txn_id")), text(fields.get("parent_txn_id"))
    known: dict[str, Any] = {
        "order_number": text(fields.get(settings["order_field"])),
        "transaction_id": parent if status in OF_A_PAYMENT else transaction,
        "event_id": transaction if status in OF_A_PAYMENT else None,
        "money": read_amount(fields.get("mc_gross"), fields.get("mc_currency")),
        "test": _is_sandbox(settings),
        "customer": text(fields.get("payer_email")),
        "at": _moment(fields.get("case_creation_date" if kind in CASES else "payment_date")),
    }
    if kind in CASES:
        return Message(Outcome(CASES[kind]), **known)
    if kind in NO_PAYMENTS or (kind is not None and kind not in PAYMENTS and status is None):
        return Message(Outcome.ignored, **known)
    if kind is not None and kind not in PAYMENTS:
        return unclear(f"PayPal's transaction type {kind!r} is not known.", **known)
    return _of_payment(status, fields, settings, known)


def _of_payment(status: str | None, fields: Mapping[str, str], settings: Settings, known: dict[str, Any]) -> Message:
    if status is None:
        return unclear("The notice has no payment status.", **known)
    if status not in STATUS:
        return unclear(f"PayPal's payment status {status!r} is not known.", **known)
    word = STATUS[status]
    if status == "Pending" and fields.get("pending_reason") == "authorization":
        word = "authorised"
    authorisation, waits = _authorisation(fields), settings["authorised"] == "pending"
    message = Message(our_word(word, settings["authorised"]), **known)
    match message.outcome:
        case Outcome.cancelled:  # its transaction is the authorisation's
            # Not confirmed: that of what failed or was given up, payment_date is the payment's own.
            return replace(message, uncaptured=waits, at=None)
        case Outcome.failed:
            return replace(message, carries_on=authorisation, at=None)
        case Outcome.paid | Outcome.pending:
            message = replace(message, carries_on=authorisation)
    money = message.money
    if money is None or money.minor == 0:
        return unclear(f"It says {status} without a readable amount other than 0.", **known)
    if status in OF_A_PAYMENT:
        if status == "Partially_Refunded" and money.minor > 0:
            return unclear("It says Partially_Refunded, but not how much was given back.", **known)
        # Each has an id of its own, a reversal that is cancelled too.
        return replace(message, money=replace(money, minor=abs(money.minor)), movement=message.event_id)
    if money.minor < 0:
        return unclear(f"It says {status}, but the amount is negative.", **known)
    # Where an authorisation counts as paid, its capture is the same money under an id of its own.
    return replace(message, movement=authorisation) if status == "Completed" and not waits else message


def _authorisation(fields: Mapping[str, str]) -> str | None:
    """The authorisation of which this is a capture."""
    named = text(fields.get("auth_id")) or text(fields.get("parent_txn_id"))
    return named if named != fields.get("txn_id") else None


def _moment(written: str | None) -> datetime | None:
    """From `10:26:33 May 01, 2026 PDT`, the time of California."""
    match = re.fullmatch(r"(\d\d:\d\d:\d\d) ([A-Z][a-z]{2}) (\d\d?), (\d{4}) (P[DS]T)", written or "", re.ASCII)
    if match is None or match[2] not in MONTHS:
        return None
    time, month, day, year, zone = match.groups()
    return iso(f"{year}-{MONTHS.index(month) + 1:02}-{day:0>2}T{time}{ZONES[zone]}")
