"""Vector files: raw requests with the account's settings and what must come of them, run through the production code.

A file is a list of vectors: `gateway`, `name`, `why`, `config`, `request` (`method`, `path`, `query`, `headers`,
`body_base64`), `now`, optionally `exchange` (what must be asked, in order), and `expect`. Where it may be called as one
likes, `same_movement_as` (a name) and `other_movement_than` (names) say of which vectors of the file the movement is.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from shopcallbacks.domain.values import Answer, Ask, Message, NoAnswer, Outcome, Request, Verdict
from shopcallbacks.gateways import GATEWAYS
from shopcallbacks.gateways.settings import complete
from shopcallbacks.processing.verifying import verify

OWN = Path(__file__).parent / "vectors"
Vector = dict[str, Any]


def load(folder: Path) -> Iterator[tuple[str, Vector]]:
    """(id, vector) of every vector in the folder's files."""
    for file in sorted(folder.glob("*.json")):
        for vector in json.loads(file.read_text()):
            yield f"{file.name}:{vector['name']}", vector


def request_of(vector: Vector) -> Request:
    raw = vector["request"]
    now = vector.get("now")
    return Request(
        method=raw["method"],
        path=raw["path"],
        query=raw["query"].encode("latin-1"),
        headers=tuple((name, value) for name, value in raw["headers"]),
        body=base64.b64decode(raw["body_base64"]),
        address="192.0.2.1",
        arrived_at=datetime.fromtimestamp(now if now is not None else 1_763_850_000, UTC),
    )


@dataclass
class Exchange:
    """Plays the gateway's side: checks each question against the vector and gives the recorded answer."""

    steps: list[dict[str, Any]]
    differences: list[str] = field(default_factory=list)

    def ask(self, question: Ask) -> Answer | NoAnswer:
        if not self.steps:
            self.differences.append(f"exchange: asked {question.method} {question.url}, nothing may be asked here")
            return NoAnswer("not in the vector")
        step = self.steps.pop(0)
        self._compare(question, step["request"])
        response = step["response"]
        if "error" in response:
            return NoAnswer(response["error"])
        headers = tuple((name, value) for name, value in response["headers"])
        return Answer(response["status"], base64.b64decode(response["body_base64"]), headers)

    def _compare(self, question: Ask, wanted: dict[str, Any]) -> None:
        if (question.method, question.url) != (wanted["method"], wanted["url"]):
            self.differences.append(f"exchange: asked {question.method} {question.url}, not {wanted['url']}")
        given = {name.lower(): value for name, value in question.headers}
        for name, value in wanted["headers"]:
            if given.get(name.lower()) != value:
                self.differences.append(f"exchange header {name}: {given.get(name.lower())!r}, not {value!r}")
        if "body_json" in wanted:
            if json.loads(question.body) != wanted["body_json"]:
                self.differences.append(f"exchange body: {question.body!r}, not {wanted['body_json']!r}")
        elif question.body != base64.b64decode(wanted["body_base64"]):
            self.differences.append(f"exchange body: {question.body!r}")


NOTHING = dict.fromkeys(("outcome", "order_number", "transaction_id", "event_id", "amount", "amount_minor", "currency"))


def as_expected(message: Message) -> dict[str, Any]:
    """A message in the vectors' words."""
    return {
        "outcome": str(message.outcome),
        "order_number": message.order_number,
        "transaction_id": message.transaction_id,
        "event_id": message.event_id,
        "amount": str(message.money.amount) if message.money else None,
        "amount_minor": message.money.minor if message.money else None,
        "currency": message.money.currency if message.money else None,
        "part": message.part or None,
        "carries_on": message.carries_on,
        "uncaptured": message.uncaptured or None,
        "total": message.total or None,
        "movement": movement_of(message),
        "answer_by": _written(message.answer_by),
        "at": _written(message.at),
    }


def movement_of(message: Message) -> str | None:
    """What names the movement: its own name, else the transaction, else the order."""
    return message.movement or message.transaction_id or message.order_number


def _written(moment: datetime | date | None) -> str | None:
    """An instant in UTC to the second, its fraction cut off; a day as a day."""
    if isinstance(moment, datetime):
        return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
    return moment.isoformat() if moment else None


MOVES_BACK = {Outcome.refunded, Outcome.charged_back, Outcome.chargeback_reversed, Outcome.refund_failed}
# What a message may say, and of which outcomes alone.
ONLY_OF = {
    "part": {Outcome.paid, Outcome.pending},
    "total": {Outcome.paid, Outcome.refunded, Outcome.charged_back},
    "uncaptured": {Outcome.cancelled},
    "answer_by": {Outcome.disputed},
}


def oddities(message: Message) -> list[str]:
    """What no message may say, whatever the gateway."""
    found = [
        f"{what}: {message.outcome} can't have it"
        for what, outcomes in ONLY_OF.items()
        if getattr(message, what) and message.outcome not in outcomes
    ]
    if message.outcome in MOVES_BACK and not message.movement:
        found.append(f"movement: {message.outcome} names its movement")
    if message.at is not None and message.at.utcoffset() is None:
        found.append("at: which zone?")
    if message.carries_on is not None and message.carries_on == message.transaction_id:
        found.append("carries_on: itself")
    return found


def movements_of(vector: Vector) -> list[str | None]:
    """The movements of the vector's messages, as the production code names them; a sum so far of 0 moves nothing."""
    gateway = GATEWAYS[vector["gateway"]]
    settings = complete(gateway, vector["config"])
    request = request_of(vector)
    exchange = Exchange([step for step in vector.get("exchange") or [] if step["purpose"] == "ask"])
    verification = verify(gateway, request, settings, exchange.ask)
    messages = gateway.interpret(request, settings, verification.evidence)
    return [
        movement_of(message)
        for message in messages
        if not (message.total and message.money and not message.money.minor)
    ]


def movement_differences(vector: Vector, named: Mapping[str, Vector]) -> list[str]:
    """Where the vector's movement is not called as that of the `named` vectors, or is though it must not be.

    Of several messages the last is compared: it is what the callback came for.
    """
    own = movements_of(vector)[-1]
    found = []
    for name, other in named.items():
        must_be = name == vector.get("same_movement_as")
        if (own == movements_of(other)[-1]) is not must_be:
            found.append(f"movement: {own!r}, {'not that' if must_be else 'the same as'} of {name}")
    return found


def differences(vector: Vector) -> list[str]:
    """Every field in which the production code differs from what the vector expects."""
    gateway = GATEWAYS[vector["gateway"]]
    settings = complete(gateway, vector["config"])
    request = request_of(vector)
    exchange = Exchange([step for step in vector.get("exchange") or [] if step["purpose"] == "ask"])
    verification = verify(gateway, request, settings, exchange.ask)
    expect = vector["expect"]
    found = exchange.differences
    found += [f"exchange: {step['request']['url']} was not asked" for step in exchange.steps]

    def compare(what: str, is_: Any, wanted: Any) -> None:
        if what == "answer_by" and is_ and wanted and len(wanted) == len("2026-05-22"):
            is_ = is_[: len(wanted)]  # the gateway names a day only
        if is_ != wanted:
            found.append(f"{what}: {is_!r}, not {wanted!r}")

    compare("verification", str(verification.verdict), expect["verification"])
    if verification.verdict is not Verdict.genuine:
        return found
    messages = gateway.interpret(request, settings, verification.evidence)
    wanted = expect.get("messages")
    if wanted is None:
        wanted = [{key: expect[key] for key in NOTHING}]
    compare("messages", len(messages), len(wanted))
    for message, one in zip(messages, wanted, strict=False):
        for key, value in as_expected(message).items():
            if key in one:
                compare(key, value, one[key] or None if isinstance(one[key], bool) else one[key])
    if len(messages) == 1:
        compare("test", messages[0].test, expect["test"])
    for message in messages:
        if message.outcome is Outcome.unclear and not message.detail:
            found.append("detail: an unclear message says why")
        found += oddities(message)
    reply = gateway.reply(request, settings)
    if expect["reply_status"] == "2xx":
        compare("reply status is 2xx", 200 <= reply.status <= 299, True)
    elif expect["reply_status"] is not None:
        compare("reply status", reply.status, expect["reply_status"])
    if expect["reply_body"] is not None:
        compare("reply body", reply.body, expect["reply_body"])
    _compare_acknowledgement(vector, gateway.acknowledge(request, settings, messages), found)
    return found


def _compare_acknowledgement(vector: Vector, question: Ask | None, found: list[str]) -> None:
    steps = [step for step in vector.get("exchange") or [] if step["purpose"] == "acknowledge"]
    exchange = Exchange(steps)
    if question is not None:
        exchange.ask(question)
    found += exchange.differences + [f"acknowledgement {step['request']['url']} is missing" for step in exchange.steps]
