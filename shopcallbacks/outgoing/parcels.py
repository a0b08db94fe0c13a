"""Delivering: takes what is to go out, hands it over as plain values that a thread can send, and notes what came of it.

Nothing here commits, and nothing here sends: a job does both, the sending outside of any transaction.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app

from ..clock import utcnow
from ..extensions import locked
from ..orders.feed import OrderEvent
from ..shops.sealing import Unreadable
from .alerts.rules import AlertMessage, AlertRules, Style
from .deliveries import Delivery
from .endpoint import Endpoint
from .http import Answered, Outgoing, Trouble
from .letters import LinkLetter
from .mail import Letter, Mailer
from .sending import Sending
from .signing import Purpose, SigningSecret, signed

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Receipt:
    """What came of a try, as half a sentence."""

    arrived: bool
    answer: str


@dataclass(frozen=True)
class Parcel:
    """`tries`: as of when it was taken, to see whether it has moved on meanwhile."""

    of: type[Delivery] | type[AlertMessage] | type[LinkLetter]
    id: int
    begun_at: datetime
    tries: int
    send: Callable[[], Receipt]


def sent(parcel: Parcel) -> Receipt:
    """Whatever breaks while it is sent is noted as a try of it, and costs no other."""
    try:
        return parcel.send()
    except Exception as error:
        log.error("%s %d could not be sent: %s", parcel.of.__name__, parcel.id, type(error).__name__)
        return Receipt(False, "it could not be sent: something broke on our side")


def spread() -> bool:
    """Deliveries for the next events of every feed that is followed. Whether there may be more."""
    more = False
    for endpoint in Endpoint.behind():
        more = endpoint.catch_up() > 0 or more
    return more


def take(limit: int, per_endpoint: int, seconds: float) -> list[Parcel]:
    """What is due, ours for that long: what people wait for first, then alerts; they are few."""
    now = utcnow()
    found = [_parcel_of_letter(letter) for letter in LinkLetter.lease(limit, now, seconds)]
    found += take_alerts(limit, seconds)
    for endpoint in Endpoint.awake(now):
        room = min(per_endpoint, limit - len(found), endpoint.at_once or limit)
        if room > 0:
            keys = _keys(endpoint.shop_id, Purpose.endpoint)
            leased = Delivery.lease(endpoint.id, room, now, seconds)
            found += [_parcel_of_delivery(endpoint, one, keys) for one in leased]
    return found


def take_alerts(limit: int, seconds: float) -> list[Parcel]:
    """The alerts among it, alone."""
    return [_parcel_of_alert(message) for message in AlertMessage.lease(limit, utcnow(), seconds)]


def note(parcel: Parcel, receipt: Receipt) -> None:
    """Notes what came of the try, where nobody else has been at it meanwhile."""
    sending: Sending = parcel.of.lock(parcel.id)
    if not sending.open or (sending.tries, sending.begun_at) != (parcel.tries, parcel.begun_at):
        return
    now = utcnow()
    if receipt.arrived:
        sending.arrived(receipt.answer, now)
        if isinstance(sending, Delivery):
            Endpoint.is_well(sending.endpoint_id)
    else:
        sending.failed(receipt.answer, now)
        if isinstance(sending, Delivery):
            locked(Endpoint, sending.endpoint_id).failed(now)


def _parcel_of_delivery(endpoint: Endpoint, delivery: Delivery, keys: list[str] | Receipt) -> Parcel:
    body = json.dumps(delivery.event.shape.as_json).encode()
    send = _posting(endpoint.url, keys, delivery.name, body)
    return Parcel(Delivery, delivery.id, delivery.begun_at, delivery.tries, send)


def _parcel_of_letter(letter: LinkLetter) -> Parcel:
    return Parcel(LinkLetter, letter.id, letter.begun_at, letter.tries, _mailing(letter.write()))


def _parcel_of_alert(message: AlertMessage) -> Parcel:
    letter = Letter(message.recipient, message.subject, message.text, message.name, message.made_at)
    send = _mailing(letter) if message.recipient else _posting_alert(message)
    return Parcel(AlertMessage, message.id, message.begun_at, message.tries, send)


def try_out(endpoint: Endpoint, now: datetime) -> Callable[[], Receipt]:
    """A test event to the endpoint, ready to be sent: signed as all are, of no order, and in no feed."""
    told = OrderEvent.of_a_test(now).shape.as_json
    keys = _keys(endpoint.shop_id, Purpose.endpoint)
    return _posting(endpoint.url, keys, f"test_{secrets.token_hex(8)}", json.dumps(told).encode())


def _mailing(letter: Letter) -> Callable[[], Receipt]:
    mailer: Mailer = current_app.extensions["mailer"]

    def send() -> Receipt:
        problem = mailer.send(letter)
        return Receipt(problem is None, problem or "taken by the mail server")

    return send


def _posting_alert(message: AlertMessage) -> Callable[[], Receipt]:
    rules = AlertRules.read(message.shop_id)
    url = rules.webhook
    if url is None or rules.webhook_style is None:
        return lambda: Receipt(False, "there is no address any more")
    if rules.webhook_style in _CHATS:
        said = json.dumps(_CHATS[rules.webhook_style](message)).encode()
        outgoing: Outgoing = current_app.extensions["outgoing"]
        return lambda: receipt_of(outgoing.post(url, {"Content-Type": "application/json"}, said))
    body = json.dumps({**message.figures, "text": message.text}).encode()
    return _posting(url, _keys(message.shop_id, Purpose.alerts), message.name, body)


def _for_slack(message: AlertMessage) -> dict[str, Any]:
    """As Slack wants it, with nothing in it that Slack would take for more than text."""
    text = f"{message.subject}\n{message.text}"
    return {"text": text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"), "mrkdwn": False}


def _for_discord(message: AlertMessage) -> dict[str, Any]:
    """As Discord wants it: at most 2,000 characters, and nobody is called by it."""
    return {"content": f"{message.subject}\n{message.text}"[:2000], "allowed_mentions": {"parse": []}}


def _for_teams(message: AlertMessage) -> dict[str, Any]:
    """An adaptive card, as a workflow of Teams posts it."""
    said = [{"type": "TextBlock", "text": message.subject, "weight": "bolder", "wrap": True}]
    said += [{"type": "TextBlock", "text": line, "wrap": True} for line in message.text.splitlines() if line]
    card = {"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.2"}
    attached = {"contentType": "application/vnd.microsoft.card.adaptive", "content": {**card, "body": said}}
    return {"type": "message", "attachments": [attached]}


_CHATS = {Style.slack: _for_slack, Style.discord: _for_discord, Style.teams: _for_teams}


def _keys(shop_id: int, purpose: Purpose) -> list[str] | Receipt:
    """All secrets in use now. Without any nothing is sent: nobody could tell it from a forgery."""
    try:
        keys = [secret.value for secret in SigningSecret.live(shop_id, purpose)]
    except Unreadable:
        return Receipt(False, "a signing secret can't be decrypted with SECRETS_KEY")
    return keys or Receipt(False, "there is no signing secret in use")


def _posting(url: str | None, keys: list[str] | Receipt, name: str, body: bytes) -> Callable[[], Receipt]:
    if isinstance(keys, Receipt):
        return lambda: keys
    if url is None:
        return lambda: Receipt(False, "its address can't be decrypted with SECRETS_KEY")
    outgoing: Outgoing = current_app.extensions["outgoing"]
    headers = signed(name, utcnow(), body, keys)
    return lambda: receipt_of(outgoing.post(url, headers, body))


def receipt_of(answer: Answered | Trouble) -> Receipt:
    if isinstance(answer, Answered):
        return Receipt(answer.good, f"answered {answer.status}")
    return Receipt(False, str(answer))
