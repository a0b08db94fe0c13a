"""Which order a gateway may mean, and why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopcallbacks.domain.near import COMMON, Candidate, Said, loose, near
from shopcallbacks.domain.values import Money

SUM, OTHER = Money(4900, "EUR"), Money(100, "EUR")


@pytest.mark.parametrize(
    ("said", "number", "why"),
    [
        (" A-1\t", "A-1", "differs by blanks at the ends or by Unicode form only"),
        ("Gro\u0308ße", "Größe", "differs by blanks at the ends or by Unicode form only"),
        ("ab-12", "AB-12", "differs by capitals only"),
        ("AB 12", "AB12", "differs by blanks or wide letters only"),
        ("ＡＢ１２", "ab12", "differs by blanks or wide letters only"),
        ("2511230745", "251123074512-26", "lacks “12-26” at the end"),
        ("251123-26_2", "251123-26", "has “_2” behind it"),
        ("251123-26-1", "251123-26", "has “-1” behind it"),
        ("SHOP-251123", "251123", "has “shop-” before it"),
        ("000123", "2025-000123", "lacks “2025-” at the start"),
        ("", "A-1", None),
        ("12", "123", None),
        ("251123", "251124", None),
    ],
)
def test_the_reason_is_said(said: str, number: str, why: str | None) -> None:
    assert [one.why for one in near(Said(said), [Candidate(number, OTHER)])] == ([why] if why else [])


def test_a_gateway_that_cuts_off_is_said_to_do_so() -> None:
    (one,) = near(Said("251123074512", limit=12), [Candidate("251123074512-26", OTHER)])
    assert one.why == "cut off after 12 characters, as this gateway does"


@pytest.mark.parametrize("said", [None, "quite another"])
def test_the_same_sum_and_e_mail_are_a_reason_without_any_number(said: str | None) -> None:
    told = Said(said, SUM, "Buyer@Shop.example")
    same = Candidate("A-1", SUM, "buyer@shop.example")
    others = [Candidate("A-2", OTHER, "buyer@shop.example"), Candidate("A-3", SUM, None), Candidate("A-4", SUM, "x@y")]
    assert [(one.number, one.why) for one in near(told, [same, *others])] == [("A-1", "the same sum and e-mail")]


def test_the_likeliest_come_first_and_of_equals_the_one_of_the_same_sum() -> None:
    said = Said("abc-12_2", SUM, "a@b.example")
    candidates = [
        Candidate("other", SUM, "a@b.example"),
        Candidate("abc-1", OTHER),
        Candidate("abc-12", SUM),
        Candidate("ABC-12_2", OTHER),
    ]
    assert [(one.number, one.why) for one in near(said, candidates)] == [
        ("ABC-12_2", "differs by capitals only"),
        ("abc-12", "has “_2” behind it; the same sum"),
        ("abc-1", "has “2_2” behind it"),
        ("other", "the same sum and e-mail"),
    ]


numbers = (
    st.text("abcAB123-_ ", min_size=COMMON, max_size=12)
    .map(str.strip)
    .filter(lambda number: len(loose(number)) >= COMMON)
)


@given(numbers, st.text("xyz9_", min_size=1, max_size=4), st.booleans())
def test_what_a_gateway_adds_is_always_seen_and_named(number: str, more: str, behind: bool) -> None:
    said = number + more if behind else more + number
    (one,) = near(Said(said), [Candidate(number, OTHER)])
    assert f"“{more}”" in one.why


@given(st.text(), st.lists(st.builds(Candidate, st.text(), st.just(OTHER)), unique_by=lambda one: one.number))
def test_any_texts_can_be_compared(said: str, candidates: list[Candidate]) -> None:
    found = near(Said(said), candidates)
    assert found == sorted(found)
    assert {one.number for one in found} <= {one.number for one in candidates}
    assert all(one.why for one in found)
