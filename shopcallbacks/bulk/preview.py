"""What a bulk run would do, found out by the code that would do it, one callback after the other. Changes nothing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select

from ..callbacks.callback import Callback
from ..domain.errors import Reason
from ..domain.states import OPENS, AttemptKind, Effect, Verb
from ..domain.values import Money
from ..extensions import db
from ..panel.headline import why_it_waits
from ..processing.deciding import Desk
from ..processing.foresight import hopeless_to_force, retrying_may_help
from ..processing.pipeline import rehearse
from ..processing.results import Result, Tried
from ..shops.accounts import Shop
from ..shops.users import User
from ..words import acts, reasons
from .selection import Selection

# A preview looks at so many, the first of the run, for so long, and says how many are beyond. Nobody waits long for it;
# who asks it to look further does.
LOOKS_AT = 5000
FOR_S, FURTHER_S = 0.5, 10.0
AT_ONCE = 250
# What nobody denied: the gateway was not heard.
FORCED_AMONG_MANY = Reason.gateway_unreachable
TAKES_MONEY = (*OPENS, Effect.part_paid, Effect.taken_too, Effect.owed)


@dataclass
class Effects:
    """`may`: so many callbacks are done something to, or may be; `effects` of messages on orders; `stays`: why others
    stay unprocessed, by headline; `asked`: whose gateway would be asked, by title, for only its answer could tell;
    `skipped`: why the verb can't be done, by sentence; `verdicts`: of a force, what the check with the gateway came to,
    in words; `cut_short`: the time was over before all that it may look at was."""

    total: int
    looked: int = 0
    may: int = 0
    effects: Counter[Effect] = field(default_factory=Counter)
    stays: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    moved: int = 0
    sums: Counter[tuple[Effect, str]] = field(default_factory=Counter)
    cut_short: bool = False

    @property
    def beyond(self) -> int:
        return max(self.total - self.looked, 0)  # some may have come since they were counted

    def money(self, effect: Effect) -> list[Money]:
        """What comes in with that effect: the sums of the orders that open, else of the payments."""
        return [Money(minor, currency) for (what, currency), minor in sorted(self.sums.items()) if what is effect]

    @property
    def any(self) -> bool:
        """Whether it would do anything."""
        return bool(self.may or self.beyond)


def effects_of(
    verb: Verb,
    selection: Selection,
    shop: Shop,
    user: User | None = None,
    looks_at: int = LOOKS_AT,
    at_once: int = AT_ONCE,
    for_s: float = FOR_S,
) -> Effects:
    """What the run would do, of its first callbacks, if that user starts it (None: whoever may all). So many are looked
    at, so many of them at once, for so long.
    """
    first = selection.first(verb, shop, looks_at)
    # Counted for itself only where there may be more, for else one that moved on in between would have no line.
    found = Effects(len(first) if len(first) < looks_at else selection.count(verb, shop))
    desk: Desk | None = None
    until = time.monotonic() + for_s
    for callbacks in _batches(first, at_once):
        if found.looked and time.monotonic() > until:
            found.cut_short = True
            break
        found.looked += len(callbacks)
        fit = [callback for callback in callbacks if _fits(found, verb, callback, user)]
        if fit and verb.attempts:
            rehearsed, desk = rehearse(fit, verb.attempts, before=desk)
            by_id = {callback.id: callback for callback in fit}
            for tried in rehearsed:
                _tell(found, verb, by_id[tried.due.id], tried, desk)
    return found


def foretold(verb: Verb, ids: Sequence[int]) -> dict[int, str]:
    """Of callbacks to be retried those that are sure to stay as they are, by id: why, as their rows say it."""
    if verb is not Verb.retry:
        return {}
    found: dict[int, str] = {}
    for callbacks in _batches(ids, AT_ONCE):
        by_id = {callback.id: callback for callback in callbacks}
        found |= {
            callback.id: why_it_waits(callback, callback.account)
            for callback in callbacks
            if asks_in_vain(verb, callback)
        }
        fit = [one for one in callbacks if verb in one.open_to and not one.would_ask(AttemptKind.retry)]
        for tried in rehearse(fit, AttemptKind.retry)[0] if fit else ():
            failure, callback = tried.failure, by_id.get(tried.due.id)
            if failure is not None and callback is not None and tried.in_vain:
                found[callback.id] = why_it_waits(failure, callback.account)
    return found


def not_forced_among_many(callback: Callback) -> str | None:
    """A sentence where forcing would end as before, or is for a person who has looked at this very callback."""
    gateway = callback.account.title
    if why_not := hopeless_to_force(callback):
        return reasons.WHY_NOT[why_not].format(gateway=gateway)
    if callback.reason is not FORCED_AMONG_MANY:
        return reasons.ONE_BY_ONE["failed"].format(gateway=gateway)
    if callback.forced_by_two:
        return reasons.ONE_BY_ONE["two"].format(limit=callback.account.shop.force_limit)
    return None


def _at_stake(result: Result, desk: Desk) -> Money | None:
    """The order's total where it opens; else the payment itself. None of a test: that is no money."""
    order = desk.books[result.order_id].facts if result.order_id is not None else None
    if order is None or order.test:
        return None
    return order.total if result.effect in OPENS else result.message.money or order.total


def _batches(ids: Sequence[int], size: int) -> Iterator[list[Callback]]:
    for start in range(0, len(ids), size):
        some = select(Callback).where(Callback.id.in_(ids[start : start + size]))
        yield list(db.session.scalars(some.order_by(Callback.received_at, Callback.id)))


def _fits(found: Effects, verb: Verb, callback: Callback, user: User | None) -> bool:
    """Whether an attempt of it can be foreseen; if not, why, is noted."""
    if verb is Verb.force and callback.reason is not None:
        found.verdicts[why_it_waits(callback, callback.account)] += 1
    if verb not in callback.open_to:
        found.skipped[acts.VERBS[verb].skipped] += 1
    elif verb is Verb.force and (sentence := not_forced_among_many(callback)):
        found.skipped[sentence] += 1
    elif barred := callback.barred(verb, user):
        found.skipped[barred] += 1
    elif not verb.attempts:
        found.moved += 1
        found.may += 1
    elif asks_in_vain(verb, callback):
        found.stays[why_it_waits(callback, callback.account)] += 1
    elif callback.would_ask(verb.attempts):
        found.asked[callback.account.title] += 1
        found.may += 1
    else:
        return True
    return False


def _tell(found: Effects, verb: Verb, callback: Callback, tried: Tried, desk: Desk) -> None:
    refused = next((result.refused for result in tried.results if result.refused), "")
    for result in tried.results:
        if result.effect is None or not result.tried or result.refused:
            continue
        found.effects[result.effect] += 1
        if result.effect in TAKES_MONEY and (money := _at_stake(result, desk)) is not None:
            found.sums[result.effect, money.currency] += money.minor
    failure = tried.failure
    found.may += verb is Verb.unowe or tried.did_something
    if refused:
        found.stays[refused.rstrip(".")] += 1
    elif verb is Verb.unowe:
        found.moved += 1
    elif failure is not None:
        found.stays[why_it_waits(failure, callback.account)] += 1
    elif not tried.did_something:  # decided by others since it was read
        found.skipped[acts.VERBS[verb].skipped] += 1


def asks_in_vain(verb: Verb, callback: Callback) -> bool:
    """What the gateway would say once more is known: it has said it, and it is not that which keeps it."""
    return verb is Verb.retry and callback.would_ask(AttemptKind.retry) and not retrying_may_help(callback.reason)
