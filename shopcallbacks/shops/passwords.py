"""Which passwords are taken: none that is short, known, or made of what everybody knows about its owner."""

from __future__ import annotations

import re
from collections.abc import Iterable

from zxcvbn import zxcvbn

SHORTEST, LONGEST = 10, 256
_LOOKED_AT = 64  # signs: the work of zxcvbn grows faster than the password
_GOOD_ENOUGH = 3  # of 0 to 4: more than 10^8 guesses
_TELLING = 4  # letters from which on a word says something about its owner


def check_password(password: str, known: Iterable[str]) -> None:
    """`ValueError` with a sentence where the password is not taken. `known`: names and addresses of its owner.

    zxcvbn holds the 30,000 commonest passwords, names and words, and sees keyboard walks, repeats and years.
    """
    if len(password) < SHORTEST:
        raise ValueError(f"The password needs at least {SHORTEST} characters.")
    if len(password) > LONGEST:
        raise ValueError(f"The password may have at most {LONGEST} characters.")
    if part := next((part for part in _parts(known) if part in password.lower()), None):
        raise ValueError(f"The password must not hold “{part}”: everybody knows that about you.")
    if zxcvbn(password[:_LOOKED_AT])["score"] < _GOOD_ENOUGH:
        raise ValueError("The password is too easy to guess. Take three or four words that have nothing in common.")


def _parts(known: Iterable[str]) -> list[str]:
    """The words in it, without an address' last part: dana, toys of dana@toys.example."""
    texts = [text.lower().rpartition(".")[0] if "@" in text else text.lower() for text in known]
    return [part for text in texts for part in re.split(r"[\W_]+", text) if len(part) >= _TELLING]
