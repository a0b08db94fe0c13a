"""Order numbers are compared as people read them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopcallbacks.domain.numbers import number_key


@pytest.mark.parametrize("written", ["Größe-7", "Gro\u0308ße-7", " Größe-7\t", "\u00a0Gro\u0308ße-7\n"])
def test_blanks_at_the_ends_and_the_unicode_form_make_no_difference(written: str) -> None:
    assert number_key(written) == "Größe-7"


@pytest.mark.parametrize("other", ["größe-7", "Größe -7", "Größe-７", "Große-7"])
def test_all_else_does(other: str) -> None:
    assert number_key(other) != number_key("Größe-7")


@given(st.text(), st.text(" \t\n\u2000\u3000", max_size=3), st.sampled_from(["NFC", "NFD"]))
def test_the_key_is_the_same_however_a_number_is_written(number: str, blanks: str, form: str) -> None:
    key = number_key(number)
    assert number_key(key) == key
    assert number_key(blanks + unicodedata.normalize(form, number) + blanks) == key
