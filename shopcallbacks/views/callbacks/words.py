"""The words of the callbacks' templates, as filters."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from ...callbacks.attempts import Attempt, KeptMessage
from ...callbacks.callback import Callback
from ...domain.errors import CallbackFailed, Conflict, Reason
from ...domain.values import Money
from ...panel import headline
from ...processing.foresight import Foresight
from ...shops.accounts import GatewayAccount
from ...words import acts, outcomes, pages, reasons
from ...words.formats import age
from ...words.masking import mask
from ...words.orders import ENTRIES
from ..screens import now, written


def sentence(text: str) -> str:
    """With a capital at its start and a full stop at its end."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""


def order_number(callback: Callback) -> str:
    """The number it names; as it is where the shop has such an order, for that is no card's."""
    number = callback.order_number or "\N{EN DASH}"
    return number if callback.order is not None and callback.order.number == number else mask(number)


def reason_words(why: Reason | Conflict, accounts: Iterable[GatewayAccount]) -> str:
    """Why those of these accounts wait, for a filter."""
    reason, conflict = (why, None) if isinstance(why, Reason) else (why.reason, why)
    return mask(reasons.cause_of_any(reason, conflict, [(account.title, account.asks) for account in accounts]))


def cause_words(found: Attempt | KeptMessage | CallbackFailed, callback: Callback) -> str:
    """Why it waits, as its row says it."""
    return headline.why_it_waits(found, callback.account)


def failure_words(failure: CallbackFailed, callback: Callback) -> str:
    return sentence(mask(failure.detail) or cause_words(failure, callback))


def advice(callback: Callback) -> str:
    """The next step of an unprocessed one in a sentence."""
    assert callback.reason is not None
    return reasons.words_of(callback.reason, callback.conflict).advice.format(gateway=callback.account.title)


def why_not(foresight: Foresight, callback: Callback) -> str:
    """Why forcing can't help."""
    assert foresight.why_not is not None
    failure = foresight.failure
    return reasons.WHY_NOT[foresight.why_not].format(
        gateway=callback.account.title,
        headline=mask(headline.headline(callback)),
        failure=failure_words(failure, callback) if failure else "",
    )


FILTERS: dict[str, Any] = {
    "masked": lambda text: mask(str(text)),
    "order_number": order_number,
    "sentence": sentence,
    "claim_start": headline.claim,
    "reason_words": reason_words,
    "cause_words": cause_words,
    "failure_words": failure_words,
    "advice": advice,
    "why_not": why_not,
    "order_state": outcomes.ORDER_STATES.__getitem__,
    "outcome_words": outcomes.OUTCOMES.__getitem__,
    "entry_words": ENTRIES.__getitem__,
    "for_example": lambda currency: Money(1230, currency).amount,
    "effect_words": lambda effect: outcomes.EFFECTS[effect] if effect else "nothing",
    "kind_words": acts.KINDS.__getitem__,
    "verdict_words": lambda verdict: outcomes.VERDICTS[verdict] if verdict else "not checked",
    "would": lambda effect, count: outcomes.would(effect, count, written()),
    "column_words": pages.COLUMNS.__getitem__,
    "tab_words": pages.TABS.__getitem__,
    "verb_words": acts.VERBS.__getitem__,
    "run_starts": lambda verb, count: acts.starts(verb, count, written()),
    "retries_some": lambda effects: acts.retries_some(effects.may, effects.beyond, written()),
    "run_moved": lambda verb, count: acts.moved(verb, count, written()),
    "run_state": outcomes.RUN_STATES.__getitem__,
    "item_state": outcomes.ITEM_STATES.__getitem__,
    "length_of": lambda length: age(now(), now() + length),
    "took": lambda microseconds: written().span(timedelta(microseconds=microseconds)),
}
