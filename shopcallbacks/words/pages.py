"""What pages say that is about no single callback: trouble, a worker that is gone, the heads of columns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ..domain.states import Column, WrongCall
from .formats import PLAIN, Format, age


def worker_gone(seen: datetime | None, now: datetime, due: int, redis: bool, format_: Format = PLAIN) -> str:
    """What stands before any number while no worker is alive."""
    away = f"has not been seen for {age(seen, now)}" if seen else "has never been seen"
    waiting = (
        f"{format_.counted(due, 'callback')} {'is' if due == 1 else 'are'} waiting" if due else "no callback is waiting"
    )
    because = "" if redis else " Redis can't be reached; work goes on once it is back."
    return f"The worker {away}: {waiting}, nothing is lost.{because}"


OLDER_BACK_UP = (
    "An older back-up of the database was put back: shops may have heard of changes that it does not know. "
    "Nothing is sent to their endpoints until `flask restored` was run."
)


def rate(per_hour: float, written: Format = PLAIN) -> str:
    """How many usually come: "14 an hour", "6 a day", "2 a week"."""
    if per_hour >= 1:
        return f"{written.number(round(per_hour))} an hour"
    if per_hour * 24 >= 1:
        return f"{written.number(round(per_hour * 24))} a day"
    return f"{written.number(max(round(per_hour * 168), 1))} a week"


def usually(per_hour: float, written: Format = PLAIN) -> str:
    """ "usual at this time: 14 an hour"; of little at any time: "usual: 4 a day"."""
    return f"usual at this time: {rate(per_hour, written)}" if per_hour >= 1 else f"usual: {rate(per_hour, written)}"


# The panel's tabs, by their names in its address.
TABS = {
    "unprocessed": "Unprocessed",
    "decide": "To decide",
    "waiting": "Waiting",
    "processed": "Processed",
    "invalid": "Invalid",
    "imported": "Imported",
    "all": "All",
}
# The panel's columns, as their heads have them.
COLUMNS = {
    Column.age: "Age",
    Column.account: "Gateway account",
    Column.transaction: "Transaction",
    Column.customer: "Customer",
    Column.arrived: "Arrived",
    Column.attempts: "Attempts",
    Column.amount: "Amount",
}
# What an API token may do, by its scopes.
SCOPES = {
    "orders": "hand orders in and look at them",
    "feed": "follow the changes of orders",
    "callbacks:read": "read callbacks",
    "callbacks:act": "act on callbacks",
}
# What a page says that can't be shown: a title, and what to do.
TROUBLE = {
    400: ("That did not work", "The request could not be understood. Go back, load the page again and try once more."),
    403: ("That is for somebody else", "Your role is not enough for this. Ask a manager of the shop, or an admin."),
    404: ("There is nothing here", "It does not exist, or it belongs to a shop that you don't see."),
    405: ("That is not a page", "This address takes a button's click only. Start from the dashboard."),
    413: ("Too large", "What was sent is larger than what is taken here."),
    429: ("Too many tries", "Wait a minute, then try again."),
    500: (
        "Something broke on our side",
        "It is written down for the admins. No callback is lost: what gateways send is stored before anything else.",
    ),
    503: (
        "The database can't be reached",
        "Gateways are told to send their callbacks again, so nothing is lost. Orders are not moved until it is back. "
        "This page works again as soon as it is: load it again in a minute.",
    ),
}
LOGGED_OUT = "You are logged out. Nothing was done."
NAMED = 3


def role_lacks(own: str, needed: str, names: Sequence[str]) -> str:
    """Which role may, and who has it: the first few of them."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    who = f" Ask {', '.join(names[:NAMED])}{more}." if names else " Nobody has it here."
    may = "a manager or an admin" if needed == "manager" else "an admin"
    return f"This is for {may} of the shop; you are a{'n' if own[0] in 'aeiou' else ''} {own}.{who}"


STALE_FORM = (
    "Nothing was done",
    "You were logged out, or logged in again, since this page was loaded. Go back, load it again and repeat it.",
)
BUSY = (
    "Others are being served just now",
    "Only so many log-ins and exports go on at a time, so that no callback waits for them. Try again in a moment.",
)
# Calls that were turned away at the door, with how often and when last behind it.
WRONG_CALLS = {
    WrongCall.path: "Called at a wrong address, cut off or with something behind it",
    WrongCall.token: "Called at a wrong address, with another token",
    WrongCall.method: "Called in a way this gateway does not call, as a browser does",
    WrongCall.too_large: "Sent more than is taken at once",
}
