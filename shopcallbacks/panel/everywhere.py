"""One search for all that a shop has: its orders by number, customer and transaction, and its callbacks."""

from __future__ import annotations

from dataclasses import dataclass

from ..callbacks.callback import Callback
from ..dashboard.glance import Glance
from ..orders import lists
from ..orders.order import Order
from ..shops.accounts import Shop
from ..words.masking import mask
from .counts import tab_counts
from .filter import Filter, Tab
from .page import page_of

SHOWN = 10


@dataclass(frozen=True)
class Found:
    """The first few of each kind. `more`: there are more orders than these; `counts`: of callbacks, by tab."""

    orders: list[Order]
    more: bool
    callbacks: list[Callback]
    counts: dict[Tab, int]

    def __bool__(self) -> bool:
        return bool(self.orders or self.callbacks)


def find(q: str, shop: Shop, glance: Glance) -> Found:
    """`glance`: what stands in the queue."""
    some = lists.found(shop.id, q, None, None).orders
    # What pages star can't be found by guessing.
    paid = lists.with_transaction(shop.id, q, SHOWN) if mask(q) == q else []
    orders = list(dict.fromkeys([*some, *paid]))
    of_all = Filter(Tab.all, q=q)
    search = of_all.search(shop)
    callbacks = page_of(of_all, shop, search=search).callbacks
    return Found(orders[:SHOWN], len(orders) > SHOWN, list(callbacks[:SHOWN]), tab_counts(shop, q, glance, search))
