"""PayPal webhooks: JSON events signed with a certificate that PayPal publishes.

https://developer.paypal.com/api/rest/webhooks/rest/
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import Certificate

from ..domain.values import Ask, Asking, Message, Money, NoAnswer, Outcome, Request, Verification
from .base import AUTHORISED, Area, Gateway, Kind, Setting, Settings, Step
from .kit.answers import unreachable
from .kit.certificates import names_of, reaches_a_root, read_certificates, rsa_key_of, system_roots
from .kit.errors import ReadError
from .kit.json import dig, dig_object, read_object, text
from .kit.messages import name_refund, our_word, unclear, unreadable
from .kit.moments import iso
from .kit.paypal import ENVIRONMENT, read_amount
from .kit.signatures import read_base64, same_base64

# The status or (older) state of the thing inside -> our word. A kind of event not listed below is ignored.
TAKEN = {"COMPLETED": "paid", "PARTIALLY_REFUNDED": "paid", "REFUNDED": "paid"}
CAPTURE = TAKEN | {"PENDING": "pending", "DECLINED": "failed", "DENIED": "failed", "FAILED": "failed"}
GIVEN_BACK = {"COMPLETED": "refunded", "PENDING": "ignored", "FAILED": "ignored", "CANCELLED": "ignored"}
RESERVED = {"CREATED": "authorised", "AUTHORIZED": "authorised", "PENDING": "pending"}
# What happened to a capture (in the older API a sale) -> our word, or the table above that decides
OF_CAPTURES: dict[str, str | dict[str, str]] = {
    "COMPLETED": TAKEN,
    "PENDING": "pending",
    "DENIED": "failed",
    "DECLINED": "failed",
    "REFUNDED": GIVEN_BACK,
    "REVERSED": "charged_back",
}
# A dispute's status, and once it is over its outcome -> our word. What it took from the shop has a REVERSED or REFUNDED
# of its own (not confirmed).
DISPUTE_GOES_ON = {"WAITING_FOR_SELLER_RESPONSE": "disputed"}  # any other status asks nothing of the shop
DISPUTE_IS_OVER = {
    **dict.fromkeys("RESOLVED_SELLER_FAVOUR CANCELED_BY_BUYER RESOLVED_WITH_PAYOUT".split(), "chargeback_reversed"),
    "DENIED": "chargeback_reversed",  # not confirmed
    **dict.fromkeys("RESOLVED_BUYER_FAVOUR ACCEPTED NONE".split(), "ignored"),
}
EVENTS: dict[str, str | dict[str, str]] = {
    "CHECKOUT.ORDER.APPROVED": "pending",  # nothing is captured until the shop does it
    "CHECKOUT.ORDER.COMPLETED": CAPTURE,
    "CHECKOUT.PAYMENT-APPROVAL.REVERSED": "cancelled",  # not captured in time: the customer has his money back
    "CUSTOMER.DISPUTE.CREATED": "disputed",
    "CUSTOMER.DISPUTE.UPDATED": DISPUTE_GOES_ON,
    "CUSTOMER.DISPUTE.RESOLVED": DISPUTE_IS_OVER,
    "PAYMENT.AUTHORIZATION.CREATED": RESERVED,
    "PAYMENT.AUTHORIZATION.VOIDED": "cancelled",
    **{f"PAYMENT.CAPTURE.{what}": words for what, words in OF_CAPTURES.items()},
    **{f"PAYMENT.SALE.{what}": words for what, words in OF_CAPTURES.items()},
}
# Of the account's `order_field` its names in the newer and the older API.
ORDER_FIELDS = {"custom_id": ("custom_id", "custom"), "invoice_id": ("invoice_id", "invoice_number")}

HOSTS = {"live": "api.paypal.com", "sandbox": "api.sandbox.paypal.com"}
SIGNERS = {
    "live": {"messageverificationcerts.paypal.com"},
    "sandbox": {"messageverificationcerts.paypal.com", "messageverificationcerts.sandbox.paypal.com"},
}
AHEAD_S = 300
# Other statuses from 400 to 499 say that there is no such certificate.
NOT_NOW = {401, 403, 408, 429}


class PayPal(Gateway):
    name = "paypal"
    title = "PayPal webhooks"
    letters = "PP"
    docs = "https://developer.paypal.com/api/rest/webhooks/rest/"
    payment_pages = (
        "https://www.paypal.com/activity/payment/{id}",
        "https://www.sandbox.paypal.com/activity/payment/{id}",
    )
    check = "RSA with SHA-256 over transmission, time, webhook id and checksum, by a certificate fetched from PayPal"
    tested = "paypalrestsdk 1.13, cryptography's own path check, the signed text in PayPal's Ruby package"
    area = Area.worldwide
    countries = "Everywhere"
    much_used = True
    steps = (
        Step(
            "In PayPal's Developer Dashboard, under Apps & Credentials, choose Live or Sandbox and open your app.",
            "https://developer.paypal.com/dashboard/applications",
        ),
        Step(
            "Under Webhooks add one with this account's address, and tick the events of payment captures and "
            "authorisations, CHECKOUT.ORDER.APPROVED and the customer disputes.",
            "https://developer.paypal.com/api/rest/webhooks/event-names/",
        ),
        Step(
            "Enter the webhook's ID here: it stands beside the address, and ties what is signed to you.",
        ),
        Step(
            "Have your shop send the order number as custom_id of the purchase unit, or as invoice_id if that is "
            "chosen here.",
        ),
        Step(
            "Pay in the sandbox as one of its buyers; what PayPal's webhook simulator sends is signed for nobody, "
            "and is refused.",
            "https://developer.paypal.com/tools/sandbox/",
        ),
    )
    settings = (
        Setting(
            "webhook_ids",
            "Webhook IDs",
            Kind.texts,
            "PayPal Developer Dashboard > Apps & Credentials > your app > Webhooks. Never the simulator's WEBHOOK_ID.",
            required=True,
        ),
        ENVIRONMENT,
        Setting(
            "trusted_roots",
            "Trusted root certificates (PEM)",
            Kind.texts,
            "Leave empty: what this server trusts is right, and PayPal changes its issuers.",
        ),
        Setting(
            "order_field",
            "Field of the order number",
            Kind.choice,
            "The field of the purchase in which your shop hands PayPal the order number.",
            default="custom_id",
            choices=("custom_id", "invoice_id"),
        ),
        AUTHORISED,
        Setting(
            "merchant_id",
            "Merchant ID",
            Kind.text,
            "PayPal > Account Settings > Business information. Needed where one app takes payments for several.",
        ),
        Setting(
            "max_age",
            "Allowed age of a delivery, in seconds",
            Kind.number,
            "PayPal tries for three days; it is not known whether a retry gets a new time.",
            default=345_600,
        ),
    )

    def asks(self, settings: Settings) -> bool:
        return True

    def verify(self, request: Request, settings: Settings) -> Asking:
        read = _read_headers(request, settings)
        if isinstance(read, Verification):
            return read
        transmission, time, url, signature = read
        answer = yield Ask("GET", url, keep_if=b"-----BEGIN CERTIFICATE-----")
        if isinstance(answer, NoAnswer):
            return unreachable("PayPal", answer)
        if 400 <= answer.status < 500 and answer.status not in NOT_NOW:
            return Verification.not_genuine(f"PayPal has no such certificate: it answered {answer.status}.")
        if answer.status != 200:
            return unreachable("PayPal", answer)
        chain = read_certificates(answer.body)
        if not chain:
            return unreachable("PayPal", answer, "no certificate came")
        problem = (
            _certificate_problem(chain, request.arrived_at, settings)
            or _signature_problem(chain[0], f"{transmission}|{time}", signature, request.body, settings)
            or _merchant_problem(request.body, settings)
        )
        if problem:
            return Verification.not_genuine(problem)
        # The checksum is no digest: the same transmission with another body is somebody else's.
        return Verification.genuine(delivery_id=transmission)

    def interpret(self, request: Request, settings: Settings, evidence: Mapping[str, Any]) -> tuple[Message, ...]:
        test = settings["environment"] == "sandbox"
        try:
            event = read_object(request.body)
        except ReadError as error:
            return (unreadable(error, test=test),)
        known = {"event_id": text(event.get("id")), "test": test, "at": iso(event.get("create_time"))}
        return (_message(event, settings, **known),)


def _read_headers(request: Request, settings: Settings) -> Verification | tuple[str, str, str, bytes]:
    """Transmission id, time, the certificate's address and the signature, all fit to be used; else why not."""
    names = ("TRANSMISSION-ID", "TRANSMISSION-TIME", "CERT-URL", "TRANSMISSION-SIG", "AUTH-ALGO")
    values = [request.header(f"PAYPAL-{name}") or "" for name in names]
    if not all(values):
        missing = names[values.index("")]
        return Verification.not_genuine(f"The header PAYPAL-{missing} is missing, empty or came twice.")
    transmission, time, url, signature, algorithm = values
    if algorithm != "SHA256withRSA":
        return Verification.not_genuine("It is signed in a way that PayPal does not use.")
    if not re.fullmatch(r"[A-Za-z0-9-]+", transmission):
        return Verification.not_genuine("The transmission id is not one of PayPal's.")
    raw_signature = read_base64(signature)
    if raw_signature is None or not same_base64(signature, raw_signature):
        return Verification.not_genuine("The signature is not base64.", unreadable=True)
    problem = _time_problem(time, request.arrived_at, settings)
    if problem:
        return Verification.not_genuine(problem)
    # The sender writes this address: whoever fetched whatever it says would let the sender sign.
    host = re.escape(HOSTS["sandbox" if settings["environment"] == "sandbox" else "live"])
    if not re.fullmatch(rf"https://{host}/v1/notifications/certs/CERT-[A-Za-z0-9-]+", url):
        return Verification.not_genuine("The certificate's address is not PayPal's.")
    return transmission, time, url, raw_signature


def _time_problem(time: str, arrived_at: datetime, settings: Settings) -> str | None:
    try:
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", time, re.ASCII):
            raise ValueError(time)
        age = (arrived_at - datetime.fromisoformat(time)).total_seconds()
    except ValueError:
        return "The transmission's time can't be read."
    if -AHEAD_S <= age <= (settings["max_age"] or 0):
        return None
    return f"The transmission's time is {abs(age):,.0f} s {'old' if age > 0 else 'ahead'}."


def _certificate_problem(chain: list[Certificate], at: datetime, settings: Settings) -> str | None:
    if not SIGNERS["sandbox" if settings["environment"] == "sandbox" else "live"].intersection(names_of(chain[0])):
        return "The certificate is not the one PayPal signs webhooks with."
    pems = settings["trusted_roots"]
    roots = [root for pem in pems for root in read_certificates(pem)] if pems else system_roots()
    if not reaches_a_root(chain, roots, at):
        return "The certificate is not issued by a trusted authority, or was not valid when the callback came."
    return None


def _signature_problem(
    signer: Certificate, transmission: str, signature: bytes, body: bytes, settings: Settings
) -> str | None:
    key = rsa_key_of(signer)
    if key is None:
        return "The certificate has no RSA key."
    for webhook in settings["webhook_ids"] or ():
        signed = f"{transmission}|{webhook}|{zlib.crc32(body)}".encode("utf-8", "replace")
        try:
            key.verify(signature, signed, PKCS1v15(), SHA256())
        except InvalidSignature:
            continue
        return None
    return "The signature fits none of the webhook ids."


def _merchant_problem(body: bytes, settings: Settings) -> str | None:
    if not settings["merchant_id"]:
        return None
    try:
        resource = dig(read_object(body), "resource")
    except ReadError:
        return None  # signed but unreadable: genuine, and unclear to interpret
    named = [dig(thing, "payee", "merchant_id") for thing in (resource, *_list(resource, "purchase_units"))]
    if any(merchant not in (None, settings["merchant_id"]) for merchant in named):
        return "It is about a payment to another PayPal merchant."
    return None


def _list(value: Any, *path: str) -> list[Any]:
    found = dig(value, *path)
    return found if isinstance(found, list) else []


def _message(event: dict[str, Any], settings: Settings, **known: Any) -> Message:
    kind = event.get("event_type")
    if not isinstance(kind, str):
        return unclear("The event has no type.", **known)
    if kind not in EVENTS:
        return Message(Outcome.ignored, **known)
    resource = event.get("resource")
    if not isinstance(resource, dict):
        return unclear(f"{kind} comes without the thing it is about.", **known)
    if kind.startswith("CUSTOMER.DISPUTE."):
        return _of_dispute(kind, resource, settings, known)
    if kind.startswith("CHECKOUT."):
        return _of_order(kind, resource, settings, known)
    known |= {"transaction_id": text(resource.get("id")), "order_number": _order(resource, settings)}
    known["money"] = _money(resource)
    if kind.endswith((".REFUNDED", ".REVERSED")):
        known["transaction_id"] = _refunded_payment(resource)
    else:
        known["carries_on"] = _authorisation(resource) or _related(resource, "order_id")
    return _decide(kind, resource, settings, known)


def _of_order(kind: str, order: dict[str, Any], settings: Settings, known: dict[str, Any]) -> Message:
    """An order holds purchases, and those their captures; only one of each can be told in one message."""
    order_id = text(order.get("order_id" if kind == "CHECKOUT.PAYMENT-APPROVAL.REVERSED" else "id"))
    known |= {"transaction_id": order_id, "customer": text(dig(order, "payer", "email_address"))}
    units = _list(order, "purchase_units")
    if len(units) != 1:
        return unclear("It is about an order of several purchases, or of none.", **known)
    known |= {"order_number": _order(units[0], settings), "money": _money(units[0])}
    if kind != "CHECKOUT.ORDER.COMPLETED":
        return _decide(kind, order, settings, known)
    captures = _list(units[0], "payments", "captures")
    if len(captures) != 1 or not isinstance(captures[0], dict):
        return unclear("The order is completed with several captures, or with none.", **known)
    known |= {"transaction_id": text(captures[0].get("id")), "money": _money(captures[0]), "carries_on": order_id}
    return _decide(kind, captures[0], settings, known)


def _of_dispute(kind: str, dispute: dict[str, Any], settings: Settings, known: dict[str, Any]) -> Message:
    """It names its payment as the seller knows it, in a list of which the first counts."""
    disputed = next(iter(_list(dispute, "disputed_transactions")), None)
    known |= {
        "transaction_id": text(dig(disputed, "seller_transaction_id")),
        "order_number": _order(disputed, settings),
        "money": _money(dispute, "dispute_amount"),
    }
    words, code = EVENTS[kind], str(dig(dispute, "dispute_outcome", "outcome_code"))
    if words is DISPUTE_IS_OVER and code not in DISPUTE_IS_OVER:
        return unclear(f"PayPal's outcome {code!r} of a dispute is not known.", **known)
    if words is DISPUTE_IS_OVER:
        word = DISPUTE_IS_OVER[code]
    else:
        word = words if isinstance(words, str) else words.get(_status(dispute), "ignored")
    message = Message(Outcome(word), **known)
    if message.outcome is Outcome.disputed:
        return replace(message, answer_by=iso(dispute.get("seller_response_due_date")))
    if message.outcome is Outcome.chargeback_reversed:
        return replace(message, movement=text(dispute.get("dispute_id")))
    return message


def _decide(kind: str, thing: dict[str, Any], settings: Settings, known: dict[str, Any]) -> Message:
    words, status = EVENTS[kind], _status(thing)
    word = words if isinstance(words, str) else words.get(status)
    if word is None:
        return unclear(f"{kind} with the status {status or 'missing'!r} is not known.", **known)
    message, waits = Message(our_word(word, settings["authorised"]), **known), settings["authorised"] == "pending"
    if kind == "PAYMENT.AUTHORIZATION.VOIDED":  # also of what a capture of a part has left
        return replace(message, uncaptured=waits)
    if message.outcome not in (Outcome.paid, Outcome.pending, Outcome.refunded, Outcome.charged_back):
        return message
    money = message.money
    if money is None or money.minor == 0:
        return unclear(f"{kind} comes without a readable amount other than 0.", **known)
    if message.outcome in (Outcome.refunded, Outcome.charged_back):  # in the older API a negative sum
        own = text(thing.get("id"))
        message = replace(message, money=replace(money, minor=abs(money.minor)), movement=own or message.event_id)
        return name_refund(message, own)
    if money.minor < 0:
        return unclear(f"{kind} comes with a negative amount.", **known)
    authorisation = _authorisation(thing)
    # Not confirmed: that further captures may follow where this is not called the final one.
    message = replace(message, part=authorisation is not None and thing.get("final_capture") is False)
    # Where an authorisation counts as paid, its capture is the same money under an id of its own.
    return replace(message, movement=authorisation) if message.outcome is Outcome.paid and not waits else message


def _status(thing: dict[str, Any]) -> str:
    return str(thing.get("status") or thing.get("state") or "").upper()


def _order(thing: Any, settings: Settings) -> str | None:
    names = ORDER_FIELDS.get(settings["order_field"], ())
    return next((number for name in names if (number := text(dig(thing, name)))), None)


def _money(thing: Any, name: str = "amount") -> Money | None:
    """`{value, currency_code}`, in the older API `{total, currency}`: resource_version is not always there."""
    amount = dig_object(thing, name)
    value, currency = ("value", "currency_code") if "value" in amount else ("total", "currency")
    return read_amount(amount.get(value), amount.get(currency))


def _linked(thing: dict[str, Any], what: str) -> str | None:
    """The id at the end of the link "up" to a thing of that kind. It is read, never fetched."""
    links = [text(dig(link, "href")) for link in _list(thing, "links") if dig(link, "rel") == "up"]
    found = (re.fullmatch(rf".*/{what}/([A-Za-z0-9-]+)", link) for link in links if link)
    return next((match[1] for match in found if match), None)


def _refunded_payment(refund: dict[str, Any]) -> str | None:
    return _linked(refund, "captures") or text(refund.get("sale_id")) or text(refund.get("capture_id"))


def _authorisation(capture: dict[str, Any]) -> str | None:
    return _related(capture, "authorization_id") or _linked(capture, "authorizations")


def _related(thing: dict[str, Any], name: str) -> str | None:
    return text(dig(thing, "supplementary_data", "related_ids", name))
