"""What can be downloaded for some days, in words: a title, and what it holds."""

from __future__ import annotations

DOWNLOADS = {
    "bookings": (
        "Payments, refunds and chargebacks",
        "Every booking of money, by the day it was booked, with its callback.",
    ),
    "orders": ("Orders", "By the day they were handed in, with what was taken, given back and is owed."),
    "owed": (
        "Owed back",
        "Money that is to be given back now, by order and currency. Days: when the order last changed.",
    ),
    "callbacks": ("Callbacks", "All of them, by the day they came."),
    "activity": ("Activity", "What people did, by day."),
}
