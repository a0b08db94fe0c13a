"""What one more attempt of all that waits at a gateway account would come to: as it is set up, or would be.

Found out by the code that would do it; changes nothing.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, func, select

from ..callbacks.attempts import columns_of
from ..callbacks.callback import NOTHING_MORE, Callback
from ..callbacks.due import as_due
from ..domain.states import AttemptKind, State
from ..domain.values import Verdict
from ..extensions import db
from ..look import ANEW
from ..shops.accounts import GatewayAccount
from ..words.formats import PLAIN, Format
from .case import Accounts
from .examining import Finding, examine, nobody
from .pipeline import rehearse
from .results import Tried

# So many of those that wait are looked at, the oldest first, for so long; and so many of those processed last.
LOOKS_AT = 500
FOR_S = 2.0
AT_ONCE = 100
PROCESSED = 50


@dataclass
class Prospect:
    """Of the callbacks that wait, `looked` were looked at: `passes` would be processed, `genuine` would pass the check
    and wait for another reason, of `asked` only the gateway's answer could tell. `signed_with`: how many are signed
    with a retired secret, by its id. `otherwise`: so many of the last `processed` would not pass, or be read otherwise.
    """

    waiting: int
    looked: int = 0
    passes: int = 0
    genuine: int = 0
    asked: int = 0
    signed_with: Counter[int] = field(default_factory=Counter)
    processed: int = 0
    otherwise: int = 0

    def told(self, gateway: str, format_: Format = PLAIN) -> str:
        """In sentences, of settings that are not saved yet."""
        return f"{self._of_waiting(gateway, format_)} {self._of_processed(format_)}"

    def _of_waiting(self, gateway: str, format_: Format) -> str:
        if not self.waiting:
            return "Nothing waits at this account."
        of = "the one" if self.waiting == 1 else f"the {format_.number(self.waiting)}"
        waits = "that waits" if self.waiting == 1 else "that wait"
        told = [f"With this {format_.number(self.passes) if self.passes else 'none'} of {of} {waits} would pass"]
        if self.genuine:
            told.append(f"{format_.number(self.genuine)} would be genuine, and wait for another reason")
        if self.asked:
            told.append(f"of {format_.number(self.asked)} only {gateway}'s answer can tell")
        if self.looked < self.waiting:
            told.append(f"only the oldest {format_.number(self.looked)} were looked at")
        return f"{'; '.join(told)}."

    def _of_processed(self, format_: Format) -> str:
        if not self.otherwise:
            return "Nothing processed would change."
        return (
            "Nothing processed would change. But callbacks to come may fare otherwise: of the last "
            f"{format_.number(self.processed)} processed {format_.number(self.otherwise)} would not pass like this, "
            "or would be read otherwise."
        )


def prospect(account: GatewayAccount, *where: ColumnElement[bool]) -> Prospect:
    """As the account is set up now; of those that wait, only where that holds."""
    waits = (Callback.account_id == account.id, Callback.state == State.unprocessed, *where)
    found = Prospect(db.session.scalar(select(func.count()).select_from(Callback).where(*waits)) or 0)
    if account.asks:
        found.asked = found.looked = found.waiting
        return found
    until = time.monotonic() + FOR_S
    oldest = select(Callback).where(*waits).order_by(Callback.received_at, Callback.id)
    for start in range(0, min(found.waiting, LOOKS_AT), AT_ONCE):
        if time.monotonic() > until:
            break
        callbacks = list(db.session.scalars(oldest.offset(start).limit(AT_ONCE)))
        for tried in rehearse(callbacks, AttemptKind.retry)[0]:
            _count(found, tried)
    return found


def would(account: GatewayAccount, change: Callable[[], object]) -> Prospect:
    """As the account would be set up by the change, which is taken back. What the change raises is raised."""
    savepoint = db.session.begin_nested()
    try:
        change()
        db.session.flush()
        found = prospect(account)
        if not account.asks:
            _look_back(found, account)
        return found
    finally:
        savepoint.rollback()


def _count(found: Prospect, tried: Tried) -> None:
    if tried.waited:
        return
    found.looked += 1
    finding = tried.finding
    if tried.failure is None:
        found.passes += 1
    elif finding.failure is None:
        found.genuine += 1
    elif finding.diagnosis is not None and finding.diagnosis.secret_id is not None:
        found.signed_with[finding.diagnosis.secret_id] += 1


def _look_back(found: Prospect, account: GatewayAccount) -> None:
    """At those processed last: whether they would pass, and be read, just the same."""
    last = (
        select(Callback)
        .where(Callback.account_id == account.id, Callback.state == State.processed)
        .where(Callback.verdict == Verdict.genuine)
        .order_by(Callback.received_at.desc(), Callback.id.desc())
        .limit(PROCESSED)
    )
    with db.session.no_autoflush:
        due = as_due(list(db.session.scalars(last)), AttemptKind.retry, NOTHING_MORE, ANEW)
        accounts = Accounts([account.id])
        findings = [examine(one, accounts, nobody) for one in due]
    found.processed = len(findings)
    found.otherwise = sum(not _just_the_same(finding) for finding in findings)


_READ = ("outcome", "order_number", "transaction_id", "amount_minor", "currency", "test")


def _just_the_same(finding: Finding) -> bool:
    kept = finding.due.kept
    if finding.failure is not None or len(finding.messages) != len(kept):
        return False
    return all(
        columns_of(message)[name] == getattr(kept[place], name)
        for place, message in enumerate(finding.messages)
        for name in _READ
    )
