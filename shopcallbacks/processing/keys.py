"""Whether a gateway takes an account's API keys: each that is in use is tried by a question that changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ..domain.values import Answer, Ask, NoAnswer
from ..gateways.base import Gateway
from ..shops.accounts import GatewayAccount
from ..shops.secrets import SecretUnreadable


class Said(StrEnum):
    """What came of the question."""

    accepted = "accepted"
    refused = "refused"
    unclear = "unclear"
    not_reached = "not_reached"


@dataclass(frozen=True)
class KeyQuestion:
    """About the key added then. A plain value, so that no transaction is open while it is asked."""

    added_at: datetime
    ask: Ask


@dataclass(frozen=True)
class KeyAnswer:
    """`detail`: the answer's status, or why there was none."""

    added_at: datetime
    said: Said
    detail: str


def questions(account: GatewayAccount, now: datetime) -> list[KeyQuestion]:
    """One for each key in use, the newest first; none where the gateway has no such question."""
    try:
        live = account.settings_at(now)[1]
    except SecretUnreadable:
        return []
    asked = [(secret.starts_at, account.gateway.key_question(account.settings_with([secret])[0])) for secret in live]
    return [KeyQuestion(added_at, ask) for added_at, ask in asked if ask is not None]


def check(
    gateway: Gateway, questions: Sequence[KeyQuestion], ask: Callable[[Ask], Answer | NoAnswer]
) -> list[KeyAnswer]:
    """What the gateway says of each."""
    return [_read(gateway, question, ask(question.ask)) for question in questions]


def _read(gateway: Gateway, question: KeyQuestion, answer: Answer | NoAnswer) -> KeyAnswer:
    if isinstance(answer, NoAnswer):
        return KeyAnswer(question.added_at, Said.not_reached, answer.why)
    said = {True: Said.accepted, False: Said.refused, None: Said.unclear}[gateway.takes_key(answer)]
    return KeyAnswer(question.added_at, said, f"it answered {answer.status}")
