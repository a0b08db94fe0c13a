"""What happens between customers, a shop and its gateways: the scenarios of the demo and of the end-to-end test.

A story is a few steps (an order is placed, a gateway calls) around one order, and says how each of them must end. The
functions are pure: the same random numbers and the same time tell the same story, byte for byte.
"""

from .account import Account, read_accounts
from .mixes import MIXES, Mix, plan, read_mix, stories, tell
from .plots import PLOTS
from .steps import Call, CancelOrder, CannotSay, End, PlaceOrder, Question, Silence, Step, Story

__all__ = [
    "MIXES",
    "PLOTS",
    "Account",
    "Call",
    "CancelOrder",
    "CannotSay",
    "End",
    "Mix",
    "PlaceOrder",
    "Question",
    "Silence",
    "Step",
    "Story",
    "plan",
    "read_accounts",
    "read_mix",
    "stories",
    "tell",
]
