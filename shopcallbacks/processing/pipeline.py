"""THE STORY: claim what is due, verify it, interpret it, decide it, record what happened.

Nothing here commits: a job (or a preview, which changes nothing) decides when. A gateway is asked through the `ask`
that is handed in, and always before any order is locked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..callbacks import waiting
from ..callbacks.attempts import said
from ..callbacks.callback import NOTHING_MORE, Callback, More
from ..callbacks.due import Due, as_due
from ..clock import utcnow
from ..domain.errors import Reason
from ..domain.states import AttemptKind
from ..extensions import db, must_not_stand_still
from ..logs import step
from ..look import ANEW, Look, Snapshot
from ..orders import books, feed
from ..sets import sent_ahead
from .case import Accounts
from .deciding import Desk
from .examining import Finding, crashed, examine, nobody
from .names import now_found
from .recording import record, tell
from .results import Tried
from .verifying import Asker

LOST_AT_ONCE = 500


def process(due: Sequence[Due]) -> Desk | None:
    """A claimed batch of those for which nobody is asked. What the database refuses is raised: nothing of it holds."""
    return apply(*_examined(due)) if due else None


def try_some(due: Sequence[Due], in_vain: bool) -> Desk:
    """The same of a few that somebody holds, who hears what came of each. `in_vain`: what comes to nothing is an
    attempt like the others; else it is passed over.
    """
    return apply(*_examined(due), in_vain)


def _examined(due: Sequence[Due]) -> tuple[list[Finding], Accounts]:
    accounts = Accounts(one.account_id for one in due)
    return [examine(one, accounts, nobody) for one in due], accounts


def apply(findings: Iterable[Finding], accounts: Accounts, in_vain: bool = True) -> Desk:
    """Decides what was found, in the order of arrival, and writes down what came of it. For `look_behind`, later."""
    desk = Desk(findings, accounts, ANEW)
    desk.decide()
    if not in_vain:
        desk.pass_over_in_vain()
    with sent_ahead(db.session):
        record(desk.recorded, desk.now)
        books.written(desk.books.values(), desk.now)
    feed.published([told for book in desk.books.values() for told in book.told], desk.now)
    return desk


def look_behind(desk: Desk) -> bool:
    """Behind the commit of `apply`, in a transaction of its own: what others committed in the very moment, so that
    neither saw the other, is due now. Whether anything is.
    """
    tell(desk.recorded, desk.now)
    for told in (told for book in desk.books.values() for told in book.told):
        step("An order moved", callback=told.callback_id, order=told.order_id, shop=told.shop_id, event=told.event.kind)
    if not desk.stirred:
        return False
    must_not_stand_still()
    found = waiting.wake_these(desk.missed())
    for shop_id, keys in desk.moved.items():
        found = waiting.wake_lost(shop_id, keys) or found
    return found


def find_lost(after: int) -> tuple[int, bool]:
    """Of the next few callbacks behind that id that did not find their order, those that would find it now are due:
    who should have looked behind the commit was killed before. The last id looked at, 0 for none; whether any is due.
    """
    last, lost = waiting.lost(after, LOST_AT_ONCE)
    told = [(due, said(row)) for due in lost for row in due.kept.values() if row.reason == Reason.order_not_found]
    return last, waiting.wake_these(now_found(told, ANEW))


def give_up(due: Due) -> None:
    """Of the exception in hand, which was this callback's own: it is `crashed`, and nothing else."""
    finding = Finding(due, 0.0)
    finding.failure, finding.error = crashed()
    record([Tried(finding)], utcnow())


def rehearse(
    callbacks: Sequence[Callback],
    kind: AttemptKind,
    ask: Asker = nobody,
    before: Desk | None = None,
    more: More = NOTHING_MORE,
    look: Look | None = None,
) -> tuple[list[Tried], Desk]:
    """What attempts of that kind would do, by the code that would do it, one after the other; changes nothing.

    And the desk, to go on from with the next batch. `more`: what the person would say with it; `look`: of several that
    are rehearsed at the same moment.
    """
    look = look or Snapshot()
    due = as_due(callbacks, kind, more, look)
    accounts = look(Accounts, frozenset(one.account_id for one in due))
    with db.session.no_autoflush:
        desk = Desk([examine(one, accounts, ask) for one in due], accounts, look, before)
        desk.decide()
    return desk.tried, desk
