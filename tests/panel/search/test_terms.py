"""Terms: what a text is cut into."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shopcallbacks.panel.search.terms import LONGEST, MOST, sought, terms


def test_a_term_is_a_word_with_what_hangs_together_and_again_from_each_word_on() -> None:
    assert terms(["Order 251123-26, by buyer@shop.example"]) == sorted(
        ["order", "251123-26", "26", "by", "buyer@shop.example", "shop.example", "example"]
    )


def test_capitals_and_wide_letters_make_no_difference() -> None:
    assert terms(["STRASSE Straße \uff21bc cafe\u0301"]) == sorted(["strasse", "abc", "caf\xe9"])


def test_a_card_number_is_no_term_but_its_last_digits_are() -> None:
    assert terms(["card 4111111111111111 and 4111 1111 1111 1111"]) == ["1111", "and", "card"]


def test_terms_are_bounded_in_length_and_number() -> None:
    cut = terms(["x" * 1000, *(f"word{number}" for number in range(3 * MOST))])
    assert len(cut) == MOST
    assert max(map(len, cut)) <= LONGEST


@given(st.text())
def test_what_is_in_a_text_can_be_sought_in_it(text: str) -> None:
    cut = terms([text])
    assert all(any(term.startswith(start) for term in cut) for start in sought(text))
