"""Cells do no harm, and a line that is not looked at closer has none that could."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shopcallbacks.panel.download.cells import FOREIGN, a_strangers, ours, suspects, the_shops

CARD = "4111111111111111"
odd = st.text(st.sampled_from("0123456789 -+=@;,%\"'\t\r\n\x1f\u00a0\u2028＝－ a"), max_size=24)
text = st.one_of(
    odd, st.text(max_size=24), st.sampled_from([CARD, "3782 822463 10005", f"%34{CARD}", "4111%201111%201111%201111"])
)


def line(cells: list[str]) -> bytes:
    written = StringIO()
    csv.writer(written, lineterminator="\n").writerow(cells)
    return written.getvalue().encode("utf-8", "replace")


def suspicious(lines: list[bytes], own: int = 0) -> set[int]:
    """Which of them are among the suspects."""
    begins = [sum(map(len, lines[:nth])) for nth in range(len(lines))]
    found = suspects(b"".join(lines), len(lines), own)
    return {nth for nth, begin in enumerate(begins) for odd in found if odd.start <= begin < odd.stop}


@given(st.lists(st.lists(text, min_size=1, max_size=4), min_size=1, max_size=6))
@example([["x"], ["-1"], ["y"]])
@example([["-1"]])
@example([[f"x{CARD}"], ["4111", "1111"]])
@example([["=1,2"], ['"', ";@"]])
@example([["two\nlines"], ["x"]])
def test_a_line_with_a_cell_that_would_be_made_harmless_is_suspect(lines: list[list[str]]) -> None:
    harmful = {
        nth
        for nth, cells in enumerate(lines)
        if any(guard(cell, False) != cell for cell in cells for guard in (the_shops, a_strangers))
    }
    assert harmful <= suspicious([line(cells) for cells in lines])


def test_ordinary_lines_are_not_looked_at_closer_whatever_stands_beside_them() -> None:
    told = ["12", "2026-03-01T12:00:00+01:00", "stripe", "", "261123-7", "pi_3PqX1", "59.90", "EUR", "0a1b" * 16]
    ordinary, odd = line(told), line([*told, "=1"])
    assert suspicious([ordinary] * 3) == set()
    assert suspicious([odd, ordinary, odd, odd, ordinary]) == {0, 2, 3}
    assert suspicious([]) == set()


def test_what_looks_like_a_card_number_in_a_digest_is_none_and_in_the_cell_before_it_one() -> None:
    told, digest = ["12", "pi_3PqX1", "59.90"], CARD * 4
    assert suspicious([line([*told, digest, "no"])], own=2) == set()
    assert suspicious([line([*told, digest, "no"])], own=1) == {0}
    assert suspicious([line([*told, CARD, digest, "no"])] * 2, own=2) == {0, 1}


@pytest.mark.parametrize("guard", [the_shops, a_strangers])
@given(cell=text)
def test_a_cell_is_of_one_line_begins_no_formula_and_is_harmless_the_second_time(guard: object, cell: str) -> None:
    assert callable(guard)
    harmless = guard(cell, False)
    assert not any(sign in harmless for sign in "\r\n\x1f\u2028\x00")
    assert not harmless.startswith(tuple("=+@-＝＋＠－\t"))
    assert guard(harmless, False) == harmless


def test_where_the_file_says_that_it_is_a_text_nothing_is_put_before_it() -> None:
    assert a_strangers("=1+1", True) == "=1+1"
    assert a_strangers(f"={CARD}\n", True) == "=************1111 "


def test_a_number_of_the_shops_own_is_no_cards_but_a_strangers_in_its_place_may_be() -> None:
    assert the_shops(CARD, False) == ours(CARD, False) == CARD
    assert the_shops(FOREIGN + CARD, False) == "************1111"
