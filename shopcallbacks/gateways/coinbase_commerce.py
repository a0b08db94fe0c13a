"""Coinbase Commerce: JSON events signed with HMAC-SHA256 of the raw body.

https://docs.cdp.coinbase.com/commerce/api-arcitecture/webhooks-security
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ..domain.values import Message, Outcome, Request, Verification
from .base import Area, Example, Gateway, Kind, Setting, Settings, Step
from .kit.errors import ReadError
from .kit.json import dig, dig_object, read_object, text
from .kit.messages import no_money_no_decision, unclear, unreadable
from .kit.moments import iso
from .kit.money import major
from .kit.signed_body import signed_post, verify_body

# The event's type -> our word; all else is ignored.
TYPES = {
    "charge:confirmed": Outcome.paid,
    "charge:resolved": Outcome.paid,
    "charge:pending": Outcome.pending,
    "charge:failed": Outcome.failed,
    "charge:delayed": Outcome.unclear,
}
# The last status of a charge's timeline where money came, but too much, too little, too late or in several pieces
# (its context says which, in words that are recalled: not read). Such a charge arrives as failed; once the shop has
# settled it RESOLVED follows, with the event charge:resolved.
UNRESOLVED = "UNRESOLVED"

SIGNATURE = "X-CC-Webhook-Signature"


class CoinbaseCommerce(Gateway):
    name = "coinbase_commerce"
    title = "Coinbase Commerce"
    letters = "CB"
    docs = "https://docs.cdp.coinbase.com/commerce/api-arcitecture/webhooks-security"
    check = "HMAC-SHA256 of the raw body, in the header X-CC-Webhook-Signature"
    tested = "Coinbase's packages for Python, Node and PHP"
    area = Area.worldwide
    countries = "Everywhere; crypto currencies"
    steps = (
        Step(
            "In Coinbase Commerce, under Settings > Notifications > Webhook subscriptions, add an endpoint with "
            "this account's address.",
            "https://commerce.coinbase.com/",
        ),
        Step(
            "Let it tell of all charges: charge:pending, charge:confirmed, charge:failed, charge:delayed and "
            "charge:resolved.",
            "https://docs.cdp.coinbase.com/commerce/api-arcitecture/webhooks-security",
        ),
        Step(
            "Press Show shared secret there, and enter it here.",
        ),
        Step(
            "Have your shop put the order number into the charge's metadata, under the key that is set here.",
        ),
        Step(
            "Make a charge of a small sum and pay it.",
        ),
    )
    settings = (
        Setting(
            "shared_secrets",
            "Webhook shared secrets",
            Kind.secrets,
            "Coinbase Commerce > Settings > Notifications > Webhook subscriptions > Show shared secret.",
            required=True,
        ),
        Setting(
            "order_key",
            "Metadata key of the order number",
            Kind.text,
            "The key under which your shop puts the order number into the charge's metadata.",
            default="order_id",
        ),
    )

    def verify(self, request: Request, settings: Settings) -> Verification:
        return verify_body(request, SIGNATURE, settings["shared_secrets"], "sha256")

    def interpret(self, request: Request, settings: Settings, evidence: Mapping[str, Any]) -> tuple[Message, ...]:
        try:
            return (_message(dig_object(read_object(request.body), "event"), settings),)
        except ReadError as error:
            return (unreadable(error),)

    def example(self, settings: Settings, message: Message, at: datetime) -> Example | None:
        kind = next((kind for kind, outcome in TYPES.items() if outcome is message.outcome), None)
        if kind is None or message.money is None:
            return None
        time = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        charge = {
            "code": message.transaction_id,
            "metadata": {settings["order_key"]: message.order_number, "email": message.customer},
            "pricing_type": "fixed_price",
            "pricing": {"local": {"amount": str(message.money.amount), "currency": message.money.currency}},
            "payments": [],
            "timeline": [{"time": time, "status": "NEW"}],
        }
        event = {"id": message.event_id, "resource": "event", "type": kind, "created_at": time, "data": charge}
        delivery = {"id": 1, "attempt_number": 1, "scheduled_for": time, "event": event}
        return Example(signed_post(delivery, SIGNATURE, settings["shared_secrets"][0], "sha256", at))


def _message(event: dict[str, Any], settings: Settings) -> Message:
    kind, charge = event.get("type"), dig_object(event, "data")
    price = dig_object(charge, "pricing", "local")
    known: dict[str, Any] = {
        "order_number": text(dig(charge, "metadata", settings["order_key"])),
        "transaction_id": text(charge.get("code")),
        "event_id": text(event.get("id")),  # the same when it is sent again; the delivery's number is not
        "money": major(price.get("amount"), price.get("currency")),
        "customer": text(dig(charge, "metadata", "email")),
        "at": iso(event.get("created_at")),
    }
    if not isinstance(kind, str):
        return unclear("The callback does not say which event it is about.", **known)
    if kind != "charge:resolved" and _last_status(charge) == UNRESOLVED:
        return unclear("Money came, but not as asked: resolve it at Coinbase.", **known)
    if kind == "charge:delayed":
        return unclear("The money came after the charge had ended: see in Coinbase Commerce what was paid.", **known)
    return no_money_no_decision(Message(TYPES.get(kind, Outcome.ignored), **known))


def _last_status(charge: dict[str, Any]) -> str | None:
    timeline = charge.get("timeline")
    return text(dig(timeline[-1], "status")) if isinstance(timeline, list) and timeline else None
