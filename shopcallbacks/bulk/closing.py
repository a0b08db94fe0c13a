"""What came of one callback of a run: written down and counted, in the words of the receipt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..domain.errors import Conflict, Reason
from ..domain.money.order import OrderFacts
from ..domain.states import OPENS, Effect
from ..domain.values import Money
from ..orders.order import Order
from ..panel.headline import why_it_waits
from ..shops.accounts import GatewayAccount
from ..words import acts, outcomes
from .runs import BulkItem, BulkRun, ItemState


class Came(Protocol):
    """What came of an attempt, written down or about to be."""

    @property
    def succeeded(self) -> bool: ...
    @property
    def effect(self) -> Effect | None: ...
    @property
    def reason(self) -> Reason | None: ...
    @property
    def conflict(self) -> Conflict | None: ...


@dataclass(frozen=True)
class Ending:
    """An attempt that was made. `number`: of the order that its callback names; `order`: that it was about."""

    came: Came
    detail: str
    account: GatewayAccount
    number: str | None
    order: Order | OrderFacts | None

    def close(self, run: BulkRun, item: BulkItem) -> None:
        came = self.came
        if came.succeeded:
            run.close(item, ItemState.succeeded, self._told(run), self._result, came.effect, self._opened)
        else:
            run.close(item, ItemState.failed, self._why_not(run), self.detail)

    def pass_over(self, run: BulkRun, item: BulkItem) -> None:
        """It would have come to nothing."""
        run.close(item, ItemState.skipped, outcomes.fails_again(self._why_not(run)))

    def _told(self, run: BulkRun) -> str:
        """The same for all that came to the same."""
        return acts.VERBS[run.verb].done_to_many or outcomes.came(self.came.effect)

    @property
    def _opened(self) -> Money | None:
        """A test is no money."""
        order = self.order
        return order.total if order is not None and self.came.effect in OPENS and not order.test else None

    @property
    def _result(self) -> str:
        effect = self.came.effect
        return outcomes.RESULTS[effect].format(number=self.number) if effect in outcomes.RESULTS else ""

    def _why_not(self, run: BulkRun) -> str:
        return why_it_waits(self.came, self.account) or acts.VERBS[run.verb].skipped
