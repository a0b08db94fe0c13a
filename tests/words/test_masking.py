"""Card numbers are masked; order numbers and ids that only look like them are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopcallbacks.words.masking import LONGEST_FOREIGN, foreign, mask, mask_bytes


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("4111111111111111", "************1111"),
        ("4111 1111 1111 1111", "**** **** **** 1111"),
        ("4111-1111-1111-1111", "****-****-****-1111"),
        ("card=4111%201111%201111%201111&x", "card=****%20****%20****%201111&x"),
        ("378282246310005", "***********0005"),
        ("3782 822463 10005", "**** ****** *0005"),
        ("5555555555554444", "************4444"),
        ("2223003122003222", "************3222"),
        ("30569309025904", "**********5904"),
        ("paid with 6011111111111117.", "paid with ************1117."),
    ],
)
def test_a_card_number_is_starred_but_for_its_last_four(text: str, masked: str) -> None:
    assert mask(text) == masked
    assert mask_bytes(text.encode()) == masked.encode()


@pytest.mark.parametrize(
    "text",
    [
        "261123214248-150",  # order numbers, one in ten of which has a fitting check digit
        "251123163204-26",
        "2611232142481506",
        "1763849573411111",
        "4111111111111112",  # no fitting check digit
        "411111111111111",  # no network's length
        "+49 151 23456789",
        "192.168.100.200",
        "",
    ],
)
def test_what_is_no_card_number_stays(text: str) -> None:
    assert mask(text) == text


@given(st.text())
def test_masking_keeps_the_length_and_all_but_digits(text: str) -> None:
    masked = mask(text)
    assert len(masked) == len(text)
    assert all(
        after == before or (after == "*" and before.isdigit()) for before, after in zip(text, masked, strict=True)
    )


@given(st.binary())
def test_any_bytes_can_be_masked(data: bytes) -> None:
    assert len(mask_bytes(data)) == len(data)


@given(st.text())
def test_what_a_stranger_wrote_is_cut_down_to_little(text: str) -> None:
    cut = foreign(text)
    assert len(cut) <= LONGEST_FOREIGN
    assert not set("<>&|@!:`*~()[]\n\x00") & set(cut)


def test_an_order_number_a_stranger_wrote_stays_readable_and_a_card_number_is_masked() -> None:
    assert foreign("there is no order #251123-26/b_1.") == "there is no order #251123-26/b_1."
    assert foreign("there is no order 4111111111111111") == "there is no order 1111"
