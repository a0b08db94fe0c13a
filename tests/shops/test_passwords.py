"""Which passwords are taken."""

from __future__ import annotations

import pytest

from shopcallbacks.shops.passwords import check_password

KNOWN = ["dana.weiss@toys.example", "Dana Weiß", "Toy Story Shop", "toys-eu"]


@pytest.mark.parametrize(
    "password",
    ["correct horse battery", "kx81mfqpa0zz", "lavender tractor 7", "x" + "ab9!Q" * 40, "žluťoučký kůň úpěl"],
)
def test_what_nobody_guesses_is_taken(password: str) -> None:
    check_password(password, KNOWN)


@pytest.mark.parametrize(
    "password",
    "1234567890 aaaaaaaaaa password12 P@ssw0rd2026 qwertyuiop1 iloveyou123 zaq12wsxcde3 Welcome2026 letmein1234 "
    "abcdefghijkl qwertzuiop password1234567890".split(),
)
def test_what_everybody_takes_is_refused(password: str) -> None:
    with pytest.raises(ValueError, match="too easy to guess"):
        check_password(password, KNOWN)


@pytest.mark.parametrize(
    ("password", "part"),
    [
        ("dana.weiss@toys.example", "dana"),
        ("kx81 DANA mfqpa0", "dana"),
        ("kx81weissmfqpa0", "weiss"),
        ("our toys rule them all", "toys"),
        ("a story that nobody tells", "story"),
    ],
)
def test_what_is_known_about_its_owner_is_refused(password: str, part: str) -> None:
    with pytest.raises(ValueError, match=f"must not hold “{part}”"):
        check_password(password, KNOWN)


def test_words_too_short_to_say_anything_may_stand_in_it() -> None:
    check_password("lavender toy tractor eu", KNOWN)


@pytest.mark.parametrize(
    ("password", "words"), [("short", "at least 10"), ("a" * 257, "at most 256"), ("", "at least")]
)
def test_too_short_and_too_long_are_refused(password: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_password(password, [])


def test_the_longest_is_looked_at_in_no_time_that_anybody_waits_for() -> None:
    check_password("aB3$xY9!" * 32, [])
