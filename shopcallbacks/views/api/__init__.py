"""The API of a shop's programs: orders, their feed, callbacks; and the document that describes it."""

from . import callbacks, document, feed, orders
from .base import bp

# Each of the three makes its own calls.
__all__ = ["BLUEPRINTS", "callbacks", "feed", "orders"]

BLUEPRINTS = (bp, document.bp)
