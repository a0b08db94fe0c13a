"""PostFinance, and Ogone, Ingenico and ePDQ alike: a form hashed with the SHA-OUT passphrase.

https://e-payment-postfinance.v-psp.com/en/en/guides/integration%20guides/e-commerce/transaction-feedback
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..domain.values import Message, Outcome, Request, Verification
from .base import AUTHORISED, Area, Example, Gateway, Kind, Setting, Settings, Step
from .kit.errors import ReadError
from .kit.forms import form_of, form_request, read_form, upper_names
from .kit.json import text
from .kit.messages import name_refund, no_money_no_decision, our_word, unclear, unreadable
from .kit.money import major
from .kit.signatures import first_match, same_hex

# STATUS -> our word. "authorised": what the account's setting says.
STATUSES = {
    **dict.fromkeys("9 95".split(), "paid"),
    "5": "authorised",
    **dict.fromkeys("4 40 41 46 50 51 55 56 59 91 99".split(), "pending"),
    **dict.fromkeys("0 2 57 93".split(), "failed"),
    "94": "failed",  # the acquirer declined the payment; the list of these numbers is public, their sense is recalled
    **dict.fromkeys("1 6 64".split(), "cancelled"),
    **dict.fromkeys("7 74 75 8 85".split(), "refunded"),
    "84": "refund_failed",  # the acquirer declined the refund afterwards; its sense is recalled
    **dict.fromkeys("61 71 81".split(), "ignored"),  # a deletion or refund is on its way
    "83": "ignored",  # a refund was refused at once; its sense is recalled
    **dict.fromkeys("52 92 62 63 72 73 82".split(), "unclear"),  # the money may have moved
}
LET_GO = ("6", "64")  # an authorisation was cancelled; with 1 the customer gave up before there was one

# The SHA-OUT list: what the hash covers. Anything else that comes back (PARAMPLUS) was not checked and is not read.
SHA_OUT_FIELDS = frozenset(
    """
    AAVADDRESS AAVCHECK AAVMAIL AAVNAME AAVPHONE AAVZIP ACCEPTANCE ALIAS AMOUNT BIC BIN BRAND CARDNO CCCTY CN
    COLLECTOR_BIC COLLECTOR_IBAN COMPLUS CREATION_STATUS CREDITDEBIT CURRENCY CVCCHECK DCC_COMMPERCENTAGE
    DCC_CONVAMOUNT DCC_CONVCCY DCC_EXCHRATE DCC_EXCHRATESOURCE DCC_EXCHRATETS DCC_INDICATOR DCC_MARGINPERCENTAGE
    DCC_VALIDHOURS DEVICEID DIGESTCARDNO ECI ED EMAIL ENCCARDNO FXAMOUNT FXCURRENCY IP IPCTY MANDATEID MOBILEMODE
    NBREMAILUSAGE NBRIPUSAGE NBRIPUSAGE_ALLTX NBRUSAGE NCERROR ORDERID PAYID PAYIDSUB PAYMENT_REFERENCE PM
    SCO_CATEGORY SCORING SEQUENCETYPE SIGNDATE STATUS SUBBRAND SUBSCRIPTION_ID TICKET TRXDATE VC
    """.split()
)


class PostFinance(Gateway):
    name = "postfinance"
    title = "PostFinance (Ogone)"
    letters = "PF"
    docs = "https://e-payment-postfinance.v-psp.com/en/en/guides/integration%20guides/e-commerce/transaction-feedback"
    check = "SHA hash of the sorted fields with the SHA-OUT passphrase after each, in the field SHASIGN"
    tested = "marlon-ogone (PHP), the form signature in YES Cart's test"
    methods = ("POST", "GET")
    area = Area.europe
    countries = "Switzerland"
    steps = (
        Step(
            "In the back office, under Configuration > Technical information > Transaction feedback, enter this "
            "account's address for the direct HTTP request: in both fields, by POST.",
            "https://e-payment-postfinance.v-psp.com/en/en/guides/integration%20guides/e-commerce/transaction-feedback",
        ),
        Step(
            "Leave ORDERID, AMOUNT, CURRENCY, STATUS, PAYID and NCERROR among the parameters that come back.",
        ),
        Step(
            "In the same place, under All transaction submission modes, set a SHA-OUT passphrase and enter it here "
            "with your PSPID.",
        ),
        Step(
            "Choose the hash algorithm and the character encoding here as they are set under Global security "
            "parameters.",
        ),
        Step(
            "Have your shop send the order number as orderID.",
        ),
        Step(
            "Make a payment in the test system, which has a passphrase of its own.",
        ),
    )
    settings = (
        Setting("pspid", "PSPID", Kind.text, "The name with which you log in to the back office.", required=True),
        Setting(
            "sha_out",
            "SHA-OUT passphrases",
            Kind.secrets,
            "Back office > Configuration > Technical information > Transaction feedback > All transaction submission "
            "modes. One for the test system, another for the live one.",
            required=True,
        ),
        Setting(
            "algorithm",
            "Hash algorithm",
            Kind.choice,
            "Back office > Configuration > Technical information > Global security parameters.",
            default="sha1",
            choices=("sha1", "sha256", "sha512"),
        ),
        Setting(
            "charset",
            "Character encoding",
            Kind.choice,
            "Back office > Configuration > Technical information > Global security parameters.",
            default="utf-8",
            choices=("utf-8", "iso-8859-1"),
        ),
        AUTHORISED,
    )

    def verify(self, request: Request, settings: Settings) -> Verification:
        try:
            form = _read(request, settings)
        except ReadError as error:
            return Verification.not_genuine(str(error), unreadable=True)
        if "SHASIGN" not in form:
            return Verification.not_genuine("The field SHASIGN is missing.")
        matched = first_match(
            settings["sha_out"], lambda passphrase: same_hex(form["SHASIGN"], _digest(form, passphrase, settings))
        )
        if matched is None:
            return Verification.not_genuine("SHASIGN fits no live SHA-OUT passphrase.")
        return Verification.genuine(matched=matched)

    def interpret(self, request: Request, settings: Settings, evidence: Mapping[str, Any]) -> tuple[Message, ...]:
        try:
            return (_message(_read(request, settings), settings),)
        except ReadError as error:
            return (unreadable(error),)

    def example(self, settings: Settings, message: Message, at: datetime) -> Example | None:
        statuses = {
            Outcome.paid: "9",
            Outcome.pending: "91",
            Outcome.failed: "2",
            Outcome.cancelled: "1",
            Outcome.refunded: "8",
            Outcome.refund_failed: "84",
        }
        if message.outcome not in statuses or message.money is None:
            return None
        fields = {
            "orderID": message.order_number or "",
            "currency": message.money.currency,
            "amount": str(message.money.amount),
            "PM": "CreditCard",
            "ACCEPTANCE": "test123" if message.outcome is Outcome.paid else "",
            "STATUS": statuses[message.outcome],
            "CARDNO": "XXXXXXXXXXXX1111",
            "TRXDATE": f"{at:%m/%d/%y}",
            "PAYID": message.transaction_id or "",
            "PAYIDSUB": "1" if message.outcome in (Outcome.refunded, Outcome.refund_failed) else "0",
            "NCERROR": "30001001" if message.outcome is Outcome.failed else "0",
            "BRAND": "VISA",
            "EMAIL": message.customer or "",
        }
        fields["SHASIGN"] = _digest(upper_names(fields), settings["sha_out"][0], settings).hex().upper()
        return Example(form_request(fields, at, _charset(settings)))


def _charset(settings: Settings) -> str:
    return settings["charset"] or "utf-8"


def _read(request: Request, settings: Settings) -> dict[str, str]:
    """The form by names in capitals; names come in any case."""
    return upper_names(read_form(form_of(request), _charset(settings)))


def _digest(form: Mapping[str, str], passphrase: str, settings: Settings) -> bytes:
    """What is empty is left out; "0" is not empty."""
    pairs = [f"{name}={form[name]}{passphrase}" for name in sorted(SHA_OUT_FIELDS & form.keys()) if form[name]]
    # The algorithm is the account's: were it told by SHASIGN's length, a forger could pick the weakest.
    return hashlib.new(settings["algorithm"] or "sha1", "".join(pairs).encode(_charset(settings), "replace")).digest()


def _message(form: Mapping[str, str], settings: Settings) -> Message:
    status, payment, operation = form.get("STATUS"), text(form.get("PAYID")), form.get("PAYIDSUB", "0")
    known: dict[str, Any] = {
        "order_number": text(form.get("ORDERID")),
        "transaction_id": payment,
        "money": major(form.get("AMOUNT"), form.get("CURRENCY")),  # hundredths in the request, major units here
        "customer": text(form.get("EMAIL")),
    }
    word = STATUSES.get(status) if status else "unclear"
    if word is None:
        return unclear(f'PostFinance\'s status "{status}" is not known.', **known)
    if word == "unclear":
        why = f"PostFinance's status {status} leaves open whether the money has moved." if status else "No status."
        return unclear(why, **known)
    message = no_money_no_decision(Message(our_word(word, settings["authorised"]), **known))
    waits = settings["authorised"] == "pending"
    # PAYIDSUB counts the operations on a payment: each refund is one, and each capture.
    own = f"{payment}/{operation}" if text(operation) and operation != "0" else None
    match message.outcome:
        case Outcome.paid if waits:
            return replace(message, movement=own)
        case Outcome.refund_failed:
            return replace(message, movement=own)
        case Outcome.cancelled:
            return replace(message, uncaptured=waits and status in LET_GO)
    return name_refund(message, own)
