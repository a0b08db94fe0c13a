"""A shop's side of shopcallbacks: orders go in, what becomes of them comes back."""

from .api import Client
from .errors import Invalid, NotFound, Refused, ShopcallbacksError, Unauthorized, Unavailable
from .values import Event, Order
from .webhooks import BadSignature, Webhooks

__all__ = [
    "BadSignature",
    "Client",
    "Event",
    "Invalid",
    "NotFound",
    "Order",
    "Refused",
    "ShopcallbacksError",
    "Unauthorized",
    "Unavailable",
    "Webhooks",
]
