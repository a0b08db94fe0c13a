"""The rules of money: what callbacks, persons, the shop and the clock do to an order. Pure: values in, a decision out.

An order (`OrderFacts`) has payments, each one *try* to pay, and a ledger, whose rows say by how much a movement of
money changed each figure. Rows are only ever added, and every figure is a sum over them.

    decide      a message, perhaps with a person's ruling on it       tick            the clock
    hand_in     the shop hands an order in, or again                  settle, enough  a person, of an order
    cancel      the shop gives it up                                  end_try         a person, of a try

Each takes an order and gives a `Decision`: the next order, the effect, the events to tell. They raise `CallbackFailed`
where a person must decide, and `Refused` where a word does not fit; nothing has changed then.

What the shell keeps, with all times aware and all sums whole minor units:

    order     number; total (minor, currency); state; cancelled_by (try, expiry, shop, or none); test; account or none;
              email or none; expires_at or none; held_since or none. And, once: when it was first handed in.
    payment   order, account, life (unheard, alive, ended, booked, taken_out), began_at, ended_at, heard_at (each or
              none), dispute (open, over, or none), answer_by (a time, a date, or none).
              Its ids in the order told, each a transaction or none; unique by (order, account, id), found by
              (account, id). A join makes two payments one.
    booking   order, account, transaction or none, entry, movement or none, nth, of (the name of another booking, or
              none), at or none, minor and currency of the movement; came_in, owed, settled in that currency; taken,
              given_back, unmatched, waived in the order's. In the order in which they were booked; unique by
              (account, entry, movement, nth) where there is a movement. `difference` tells which rows to add.

A failure or reversal that found no booking is a booking without `of` that moves nothing (`void`). What no order knows
yet is kept nowhere but in the callbacks that wait; one that waits joins nothing.

What the shell looks up for a batch is in `routing`. To decide a message: find its order (`order_of`), put together what
is known around it (`Around`), `decide`, keep the difference and the events. Where the decision `changed` the order,
decide again what waits on it (`looked_at_again`), in order of arrival, from the start after each that moved.
"""

from ..states import CancelledBy, Effect, Entry, OrderState, Verb
from .clock import tick
from .deciding import ENTRIES, decide
from .decision import Around, Decision, Event, movement_of
from .difference import Difference, difference
from .ledger import Booking, Figures, Name
from .order import OrderFacts
from .payment import Dispute, Life, Payment
from .persons import end_try, enough, settle
from .routing import AGAIN, Hold, Holder, forgotten, holds_back, ids_of, looked_at_again, order_of, other_payment_waits
from .shop import Answer, Handing, cancel, hand_in
from .verbs import causes_for, fitting, verbs_for
from .words import Ruling, Settings

__all__ = [
    "AGAIN",
    "ENTRIES",
    "Answer",
    "Around",
    "Booking",
    "CancelledBy",
    "Decision",
    "Difference",
    "Dispute",
    "Effect",
    "Entry",
    "Event",
    "Figures",
    "Handing",
    "Hold",
    "Holder",
    "Life",
    "Name",
    "OrderFacts",
    "OrderState",
    "Payment",
    "Ruling",
    "Settings",
    "Verb",
    "cancel",
    "causes_for",
    "decide",
    "difference",
    "end_try",
    "enough",
    "fitting",
    "forgotten",
    "hand_in",
    "holds_back",
    "ids_of",
    "looked_at_again",
    "movement_of",
    "order_of",
    "other_payment_waits",
    "settle",
    "tick",
    "verbs_for",
]
