"""Worldpay: the Business Gateway's payment response (a form with a password) and the XML gateway's order notifications.

https://developer.worldpay.com/docs/wpg/manage/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from xml.sax.saxutils import quoteattr

from ..domain.values import Message, Money, Outcome, Reply, Request, Verification, exponent
from .base import AUTHORISED, Area, Example, Gateway, Kind, Setting, Settings, Step
from .kit.errors import ReadError
from .kit.forms import form_request, read_form
from .kit.json import text
from .kit.messages import no_money_no_decision, no_sum_no_chargeback, our_word, unclear, unreadable
from .kit.moments import unix_milliseconds
from .kit.money import major, minor, whole
from .kit.signatures import first_match, same

# The form's transStatus -> our word. "authorised": what the account's setting says.
STATUSES = {"Y": "paid", "C": "cancelled"}
PRE_AUTHORISED = "E"  # the authMode of a `Y` that is to be captured later

# The XML's lastEvent -> our word; all else is ignored.
LAST_EVENTS = {
    "CAPTURED": "paid",
    "AUTHORISED": "authorised",
    "SENT_FOR_AUTHORISATION": "pending",
    "SHOPPER_REDIRECTED": "pending",
    "REFUSED": "failed",
    "ERROR": "failed",
    "CANCELLED": "cancelled",
    "EXPIRED": "cancelled",
    "SHOPPER_CANCELLED": "cancelled",
    "REFUNDED": "refunded",
    "REFUNDED_BY_MERCHANT": "refunded",
    "REFUND_FAILED": "refund_failed",
    "INFORMATION_REQUESTED": "disputed",
    "DISPUTED_FUNDS_HELD": "disputed",  # recalled
    "INFORMATION_SUPPLIED": "ignored",
    "DISPUTE_EXPIRED": "ignored",
    "CHARGED_BACK": "charged_back",
    "CHARGEBACK_REVERSED": "chargeback_reversed",
    "DISPUTED_FUNDS_RELEASED": "chargeback_reversed",  # recalled
}
LET_GO = ("CANCELLED", "EXPIRED")  # an authorisation; with SHOPPER_CANCELLED there was none
# Those whose sum the journal tells: a part of the payment it can be. Without one a dispute is about the payment's.
REFUNDS = ("REFUNDED", "REFUNDED_BY_MERCHANT", "REFUND_FAILED")
DISPUTES = (
    *("INFORMATION_REQUESTED", "INFORMATION_SUPPLIED", "DISPUTED_FUNDS_HELD", "DISPUTED_FUNDS_RELEASED"),
    *("DISPUTE_EXPIRED", "CHARGED_BACK", "CHARGEBACK_REVERSED"),
)

DOCTYPE = (
    '<!DOCTYPE paymentService PUBLIC "-//WorldPay//DTD WorldPay PaymentService v1//EN" '
    '"http://dtd.worldpay.com/paymentService_v1.dtd">'
)
# One that only names where the DTD is, in its place before the document.
NAMED_DOCTYPE = re.compile(rb"\A((?:\xef\xbb\xbf)?(?:<\?xml[^<>]*>)?\s*)(<!DOCTYPE[^<>\[]*>)")


class Worldpay(Gateway):
    name = "worldpay"
    title = "Worldpay"
    letters = "WP"
    docs = "https://developer.worldpay.com/docs/wpg/manage/"
    check = "a password in the form, or a token in the address for XML: Worldpay signs nothing"
    tested = "an independent reader: there is no signature"
    passwords = ("callbackPW", "token")
    area = Area.worldwide
    countries = "United Kingdom, Europe, the Americas, Asia"
    steps = (
        Step(
            "Choose here what you have: form is the Business Gateway, xml the XML gateway (WPG).",
            "https://developer.worldpay.com/docs/wpg/manage/",
        ),
        Step(
            "With form, open your installation in the Merchant Administration Interface, switch the payment "
            "response on with this account's address, and set a Payment Response password: the same here.",
            "https://secure.worldpay.com/sso/public/auth/login.html",
        ),
        Step(
            "With xml, make up a long random token, enter it here, and enter this account's address with ?token= "
            "and the token behind it under Integration > Merchant Channel.",
        ),
        Step(
            "Have your shop send the order number as cartId, or as orderCode with xml.",
        ),
        Step(
            "Make a payment in Worldpay's test system, in an account of its own here.",
        ),
    )
    settings = (
        Setting(
            "protocol",
            "Protocol",
            Kind.choice,
            "form: payment response of the Business Gateway. xml: order notifications of the XML gateway (WPG).",
            default="form",
            choices=("form", "xml"),
        ),
        Setting(
            "installation_id",
            "Installation ID",
            Kind.text,
            "form: Merchant Administration Interface > Installations.",
        ),
        Setting(
            "callback_passwords",
            "Payment response passwords",
            Kind.secrets,
            "form: Merchant Administration Interface > Installations > your installation > Payment Response password.",
        ),
        Setting(
            "charset",
            "Character encoding",
            Kind.choice,
            "form: Merchant Administration Interface > Installations > your installation.",
            default="utf-8",
            choices=("utf-8", "iso-8859-1"),
        ),
        Setting(
            "merchant_code",
            "Merchant code",
            Kind.text,
            "xml: Merchant Administration Interface > Profile.",
        ),
        Setting(
            "tokens",
            "Tokens in the address",
            Kind.secrets,
            "xml: a long random text of your own. Put ?token=... behind the address under Merchant Administration "
            "Interface > Integration > Merchant Channel.",
        ),
        AUTHORISED,
    )

    def verify(self, request: Request, settings: Settings) -> Verification:
        return _verify_xml(request, settings) if _is_xml(settings) else _verify_form(request, settings)

    def interpret(self, request: Request, settings: Settings, evidence: Mapping[str, Any]) -> tuple[Message, ...]:
        try:
            if _is_xml(settings):
                return _messages(_read_xml(request.body), settings)
            return (_message(read_form(request.body, _charset(settings)), settings),)
        except ReadError as error:
            return (unreadable(error),)

    def reply(self, request: Request, settings: Settings) -> Reply:
        # The form's reply is shown to the customer; a notification is sent again until it is answered with [OK].
        return Reply(body="[OK]" if _is_xml(settings) else "")

    def example(self, settings: Settings, message: Message, at: datetime) -> Example | None:
        if message.money is None:
            return None
        return _example_xml(settings, message, at) if _is_xml(settings) else _example_form(settings, message, at)


def _is_xml(settings: Settings) -> bool:
    return bool(settings["protocol"] == "xml")


def _charset(settings: Settings) -> str:
    return settings["charset"] or "utf-8"


# The form.


def _verify_form(request: Request, settings: Settings) -> Verification:
    try:
        form = read_form(request.body, _charset(settings))
    except ReadError as error:
        return Verification.not_genuine(str(error), unreadable=True)
    given = form.get("callbackPW")
    matched = first_match(settings["callback_passwords"], lambda password: same(given, password))
    if matched is None:
        return Verification.not_genuine("The field callbackPW is missing or holds no live password.")
    if not settings["installation_id"] or form.get("instId") != settings["installation_id"]:
        return Verification.not_genuine("It is about another Worldpay installation.")
    return Verification.genuine(matched=matched)


def _message(form: dict[str, str], settings: Settings) -> Message:
    kind = "authAmount" if "authAmount" in form else "amount"
    test_mode = text(form.get("testMode"))
    known: dict[str, Any] = {
        "order_number": text(form.get("cartId")),
        "transaction_id": text(form.get("transId")),
        "money": major(form.get(kind), form.get("authCurrency" if kind == "authAmount" else "currency")),
        "test": None if test_mode is None else test_mode != "0",
        "customer": text(form.get("email")),
        "at": unix_milliseconds(form.get("transTime")),
    }
    status = form.get("transStatus")
    if status not in STATUSES:
        return unclear(f'Worldpay\'s status "{status}" is not known.' if status else "It has no status.", **known)
    word = "authorised" if status == "Y" and form.get("authMode") == PRE_AUTHORISED else STATUSES[status]
    return no_money_no_decision(Message(our_word(word, settings["authorised"]), **known))


def _example_form(settings: Settings, message: Message, at: datetime) -> Example | None:
    status = next((status for status, word in STATUSES.items() if word == message.outcome), None)
    if status is None or message.money is None:
        return None
    amount, currency = str(message.money.amount), message.money.currency
    is_paid = message.outcome is Outcome.paid
    fields = {
        "instId": settings["installation_id"],
        "msgType": "authResult",
        "cartId": message.order_number,
        "amount": amount,
        "currency": currency,
        "email": message.customer,
        "transStatus": status,
        "testMode": "100" if message.test else "0",
        "authMode": "A",
        "transId": message.transaction_id if is_paid else "",
        "transTime": str(int(at.timestamp()) * 1000),
        "callbackPW": settings["callback_passwords"][0],
        "authAmount": amount if is_paid else None,
        "authCurrency": currency if is_paid else None,
    }
    return Example(form_request(fields, at, _charset(settings)))


# The XML.


def _verify_xml(request: Request, settings: Settings) -> Verification:
    try:
        given = read_form(request.query).get("token")
    except ReadError:
        given = None
    matched = first_match(settings["tokens"], lambda token: same(given, token))
    if matched is None:
        return Verification.not_genuine("The address that was called holds no live token.")
    try:
        merchant = _read_xml(request.body).get("merchantCode")
    except ReadError:
        return Verification.genuine(matched=matched)  # from Worldpay but unreadable: unclear to interpret
    if not merchant or merchant != settings["merchant_code"]:
        return Verification.not_genuine("It is about another Worldpay merchant.")
    return Verification.genuine(matched=matched)


class _WithoutDoctype(ElementTree.TreeBuilder):
    def doctype(self, name: str, pubid: str, system: str) -> None:
        raise ReadError("not a notification: it brings a document type and entities of its own")


def _read_xml(body: bytes) -> Element:
    """The root. Worldpay's document type is blanked, any other refused: nothing is fetched and no entity is known."""
    parser = ElementTree.XMLParser(target=_WithoutDoctype())  # nosec B314 - so no entity is known
    try:
        parser.feed(NAMED_DOCTYPE.sub(lambda found: found[1] + b" " * len(found[2]), body))
        root: Element = parser.close()
    except ElementTree.ParseError as error:
        line, column = error.position
        raise ReadError(f"not XML: stopped in line {line:,} at column {column:,}") from None
    except (LookupError, ValueError):
        raise ReadError("not XML: its character encoding is not known") from None
    return root


def _messages(root: Element, settings: Settings) -> tuple[Message, ...]:
    events = root.findall("notify/orderStatusEvent")
    return tuple(_event(event, settings) for event in events) or (unclear("The notification is about no order."),)


def _event(event: Element, settings: Settings) -> Message:
    order, last = text(event.get("orderCode")), (event.findtext("payment/lastEvent") or "").strip()
    word = LAST_EVENTS.get(last, "ignored")
    known: dict[str, Any] = {"order_number": order, "money": _sum(event, last, settings)}
    if not last:
        return unclear("The notification names no event.", **known)
    message = Message(our_word(word, settings["authorised"]), **known)
    message = no_sum_no_chargeback(no_money_no_decision(message))
    match message.outcome:
        case Outcome.paid if _is_part(message.money, event):
            return replace(message, movement=_by_day(message, event, last), part=True)
        case Outcome.paid:
            return replace(message, movement=f"order {order}")
        case Outcome.cancelled:
            return replace(message, uncaptured=settings["authorised"] == "pending" and last in LET_GO)
        case Outcome.refund_failed if message.money is None:
            return replace(message, outcome=Outcome.unclear, detail="A refund has failed, but its sum can't be read.")
        case Outcome.refunded | Outcome.refund_failed | Outcome.charged_back | Outcome.chargeback_reversed:
            return replace(message, movement=_by_day(message, event, last))
    return message


def _by_day(message: Message, event: Element, last: str) -> str:
    """A movement's name: nothing has an id of its own."""
    return f"{message.order_number} {last} {_day(event)} {message.money.minor if message.money else ''}"


def _day(event: Element) -> str:
    date = event.find("journal/bookingDate/date")
    return "-".join(date.get(part, "") for part in ("year", "month", "dayOfMonth")) if date is not None else ""


def _is_part(captured: Money | None, event: Element) -> bool:
    """Whether less was captured than was paid."""
    whole_of_it = _money(event.find("payment/amount"))
    return captured is not None and whole_of_it is not None and captured.minor < whole_of_it.minor


def _sum(event: Element, last: str, settings: Settings) -> Money | None:
    payment, journal = event.find("payment/amount"), event.find("journal/accountTx/amount")
    # Where the authorisation counts, a capture is the same money, whatever part of it.
    if last == "CAPTURED" and settings["authorised"] == "pending":
        captured = event.find('journal/accountTx[@accountType="IN_PROCESS_CAPTURED"]/amount')
        return _money(payment if captured is None else captured)
    if last in REFUNDS:
        return _money(journal)
    return _money(journal if last in DISPUTES and journal is not None else payment)


def _money(amount: Element | None) -> Money | None:
    decimals = whole(amount.get("exponent")) if amount is not None else None
    if amount is None or decimals is None or decimals > 9:
        return None
    return minor(whole(amount.get("value")), amount.get("currencyCode"), decimals)


def _example_xml(settings: Settings, message: Message, at: datetime) -> Example | None:
    last = next((last for last, word in LAST_EVENTS.items() if word == message.outcome), None)
    if last is None or message.money is None:
        return None
    money = message.money
    amount = (
        f'<amount value="{money.minor}" currencyCode="{money.currency}" exponent="{exponent(money.currency)}" '
        'debitCreditIndicator="credit"/>'
    )
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{DOCTYPE}\n'
        f'<paymentService version="1.4" merchantCode={quoteattr(settings["merchant_code"])}><notify>'
        f"<orderStatusEvent orderCode={quoteattr(message.order_number or '')}>"
        f"<payment>{amount}<lastEvent>{last}</lastEvent></payment>"
        f'<journal journalType="{last}"><bookingDate>'
        f'<date dayOfMonth="{at:%d}" month="{at:%m}" year="{at:%Y}"/></bookingDate>'
        f'<accountTx accountType="IN_PROCESS_CAPTURED">{amount}</accountTx></journal>'
        f"</orderStatusEvent></notify></paymentService>"
    )
    query = urlencode({"token": settings["tokens"][0]}).encode()
    return Example(Request("POST", "/", query, (("Content-Type", "text/xml"),), body.encode(), "127.0.0.1", at))
