"""Order numbers as they are compared."""

from __future__ import annotations

import unicodedata


def number_key(number: str) -> str:
    """The number without blanks at its ends and in Unicode's composed form (NFC): two numbers are one if these agree.

    A shop's database may hand in "Bestellung-ä" in one form, and a gateway give it back in the other.
    """
    return unicodedata.normalize("NFC", number).strip()
