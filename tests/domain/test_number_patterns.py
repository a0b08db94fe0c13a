"""Taking the shop's own number out of what a gateway sends."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shopcallbacks.domain.number_patterns import LONGEST_TEXT, BadPattern, NumberPattern


@pytest.mark.parametrize(
    ("pattern", "text", "number"),
    [
        ("{number}", " 251123-26 ", "251123-26"),
        ("ORD-{number}", "ORD-251123-26", "251123-26"),
        ("ORD-{number}", "251123-26", None),
        ("[ORD-]{number}", "251123-26", "251123-26"),
        ("[ORD-]{number}", "ORD-251123-26", "251123-26"),
        ("{number}_{digits}", "251123-26_2", "251123-26"),
        ("{number}_{digits}", "251123-26", None),
        ("{number}[_{digits}]", "251123-26_12", "251123-26"),
        ("{number}[_{digits}]", "251123-26", "251123-26"),
        ("{number}[_{digits}]", "251123-26_x", "251123-26_x"),
        ("{number}[_{digits}]", "a_1_2", "a_1"),
        ("{digits}/{number} (web)", "17/A-1 (web)", "A-1"),
        ("{digits}/{number}", "/A-1", None),
        ("x.{number}", "xyA-1", None),
        ("Größe-{number}", "Gro\u0308ße-7", "7"),
        ("ORD-{number}", "ORD-", None),
        ("ORD-{number}", "ORD- ", None),
        ("{digits}-{number}", "１２-A", None),
        ("ORD-{number}", "ORD-" + "1" * LONGEST_TEXT, None),
    ],
)
def test_the_number_is_taken_out(pattern: str, text: str, number: str | None) -> None:
    assert NumberPattern.parse(pattern).take(text) == number


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("", "once"),
        ("ORD-", "once"),
        ("{number}{number}", "once"),
        ("{Number}", "once"),
        ("{number}{digits}", "must be a sign"),
        ("{digits}{number}", "must be a sign"),
        ("{number}[{digits}]", "must be a sign"),
        ("[{digits}]{number}", "must be a sign"),
        ("{digits}{digits}-{number}", "no digit can stand"),
        ("{digits}5-{number}", "no digit can stand"),
        ("{word}-{number}", "is nothing that a pattern knows"),
        ("{number}-{", "stand only in"),
        ("a[b]{number}", "very start"),
        ("{number}[a]b", "very start"),
        ("[[a]]{number}", "very start"),
        ("[a{number}", "has no ]"),
        ("{number}a]", "has no ["),
        ("{number}\n1", "printable"),
        ("x" * 60 + "{number}", "at most 60"),
    ],
)
def test_what_is_no_pattern_is_refused_with_the_reason(pattern: str, why: str) -> None:
    with pytest.raises(BadPattern) as refused:
        NumberPattern.parse(pattern)
    assert why in str(refused.value)


signs = st.text("abc-_/.*+?()^$|\\ ", max_size=6)
numbers = st.text("XYZ0123456789-", min_size=1, max_size=30)


@given(signs, signs, numbers)
def test_what_was_put_around_a_number_is_taken_off(before: str, behind: str, number: str) -> None:
    pattern = NumberPattern.parse(before + "{number}" + behind)
    assert pattern.take(before + number + behind) == number


@given(signs, numbers, st.from_regex(r"[0-9]{1,8}", fullmatch=True), st.booleans())
def test_a_counter_is_taken_off_where_there_is_one(before: str, number: str, tries: str, counted: bool) -> None:
    assume("_" not in number)
    pattern = NumberPattern.parse(before + "{number}[_{digits}]")
    assert pattern.take(before + number + (f"_{tries}" if counted else "")) == number


@given(st.text("{}[]numberdigits12_- ", max_size=30) | st.text(max_size=80), st.text(max_size=300))
def test_any_text_is_a_pattern_or_refused_and_nothing_is_never_a_number(written: str, text: str) -> None:
    with suppress(BadPattern):
        assert NumberPattern.parse(written).take(text) != ""


@st.composite
def patterns(draw: st.DrawFn) -> tuple[str, str, str, str]:
    """What may and must be before the number, and what must and may be behind it."""
    piece = st.sampled_from(["", "-", "_", "a", "a_", "{digits}-", "_{digits}-"])
    last = st.sampled_from(["", "-", "_", "_{digits}", "-{digits}", "-{digits}-a"])
    return draw(piece), draw(piece), draw(last), draw(last)


def fits(part: str, text: str) -> bool:
    """Said anew, sign by sign."""
    if not part:
        return not text
    if part.startswith("{digits}"):
        count = next((n for n, sign in enumerate(text) if sign not in "0123456789"), len(text))
        return count > 0 and fits(part.removeprefix("{digits}"), text[count:])
    return bool(text) and part[0] == text[0] and fits(part[1:], text[1:])


def taken(pattern: tuple[str, str, str, str], text: str) -> str | None:
    """What may be there is there, if that can be; and the number is no longer than it must be."""
    may, must, behind, may_behind = pattern
    for before in (may + must, must):
        for start in range(len(text)):
            if not fits(before, text[:start]):
                continue
            for end in range(start + 1, len(text) + 1):
                if fits(behind + may_behind, text[end:]) or fits(behind, text[end:]):
                    return text[start:end]
    return None


@settings(deadline=None)
@given(patterns(), st.lists(st.sampled_from(["1", "23", "-", "_", "a", "Z"]), max_size=9).map("".join))
def test_it_takes_what_a_plain_search_takes(pattern: tuple[str, str, str, str], text: str) -> None:
    may, must, behind, may_behind = pattern
    written = f"[{may}]{must}{{number}}{behind}[{may_behind}]"
    assert NumberPattern.parse(written).take(text) == taken(pattern, text)
