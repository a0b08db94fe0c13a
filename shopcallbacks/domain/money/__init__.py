"""The rules of money."""

from .clock import tick
from .deciding import ENTRIES, decide
from .decision import Around, Decision, Event, movement_of
from .ledger import Booking, Figures, Name
from .order import OrderFacts
from .payment import Dispute, Life, Payment
from .persons import end_try, enough, settle
from .routing import Holder, forgotten, holds_back, ids_of, looked_at_again, order_of, other_payment_waits
from .shop import Answer, Handing, cancel, hand_in
from .verbs import fitting, verbs_for
from .words import CancelledBy, Effect, Entry, OrderState, Ruling, Settings, Verb

__all__ = [
    "ENTRIES",
    "Answer",
    "Around",
    "Booking",
    "CancelledBy",
    "Decision",
    "Dispute",
    "Effect",
    "Entry",
    "Event",
    "Figures",
    "Handing",
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
    "decide",
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
