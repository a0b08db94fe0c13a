"""Times, amounts and numbers in the formats that can be chosen."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from babel import Locale
from hypothesis import given, settings
from hypothesis import strategies as st

from shopcallbacks.domain.values import Money
from shopcallbacks.words.formats import LOCALES, PLAIN, Format, age, going_on

AT = datetime(2026, 11, 23, 17, 42, 10, 412000, tzinfo=UTC)
NOW = AT + timedelta(minutes=70)


@settings(deadline=None)
@given(st.sampled_from(list(LOCALES)), st.integers(0, 10**15), st.sampled_from(["EUR", "JPY", "KWD", "CLF"]))
def test_every_amount_keeps_its_digits_its_decimals_and_its_currency_in_every_format(
    locale: str, minor: int, currency: str
) -> None:
    value = Money(minor, currency)
    said = Format(locale=locale).money(value)
    assert said.endswith(f" {currency}")
    assert "".join(filter(str.isdigit, said)) == "".join(filter(str.isdigit, f"{value.amount:f}"))
    point = Locale.parse(locale).number_symbols["latn"]["decimal"]
    decimals = said.removesuffix(f" {currency}").partition(point)[2]
    assert len(decimals) == max(-int(value.amount.as_tuple().exponent), 0)


@settings(deadline=None)
@given(st.sampled_from(list(LOCALES)), st.integers(-(10**15), 10**15))
def test_every_number_keeps_its_digits_in_every_format(locale: str, value: int) -> None:
    assert "".join(filter(str.isdigit, Format(locale=locale).number(value))) == str(abs(value))


def test_the_usual_format_is_the_one_of_mails_and_files() -> None:
    assert PLAIN.money(Money(142000, "EUR")) == "1,420.00 EUR"
    assert PLAIN.money(Money(12300, "JPY")) == "12,300 JPY"
    assert PLAIN.money(None) == "–"
    assert PLAIN.counted(41208, "callback") == "41,208 callbacks"
    assert (PLAIN.counted(1, "try", "tries"), PLAIN.counted(2, "try", "tries")) == ("1 try", "2 tries")
    assert (PLAIN.percent(1), PLAIN.percent(0.9999), PLAIN.percent(0.5)) == ("100 %", "99.9 %", "50.0 %")
    assert PLAIN.span(timedelta(milliseconds=3100)) == "3.1 s"
    assert PLAIN.day(date(2026, 11, 23)) == "23 Nov 2026"
    assert PLAIN.moment(AT, NOW) == "17:42:10"
    assert PLAIN.full(AT) == "23 Nov 2026 17:42:10.412 UTC"


@pytest.mark.parametrize(
    ("locale", "today", "this_year", "before", "amount"),
    [
        ("en_GB", "18:42:10", "20 Nov 18:42", "20 Nov 2025", "1,420.00 EUR"),
        ("en_US", "6:42:10\u202fPM", "Nov 20 6:42\u202fPM", "Nov 20, 2025", "1,420.00 EUR"),
        ("de", "18:42:10", "20. Nov. 18:42", "20. Nov. 2025", "1.420,00 EUR"),
        ("fr", "18:42:10", "20 nov. 18:42", "20 nov. 2025", "1\u202f420,00 EUR"),
        ("lt", "18:42:10", "11-20 18:42", "2025-11-20", "1\u00a0420,00 EUR"),
        ("cs", "18:42:10", "20. 11. 18:42", "20. 11. 2025", "1\u00a0420,00 EUR"),
    ],
)
def test_times_and_amounts_are_written_as_the_language_has_them(
    locale: str, today: str, this_year: str, before: str, amount: str
) -> None:
    format_ = Format("Europe/Berlin", locale)
    assert format_.moment(AT, NOW) == today
    assert format_.moment(AT - timedelta(days=3), NOW) == this_year
    assert format_.moment(AT.replace(year=2025, day=20), NOW) == before
    assert format_.money(Money(142000, "EUR")) == amount


def test_today_is_the_readers_today() -> None:
    late = datetime(2026, 11, 23, 22, 30, tzinfo=UTC)
    assert Format("UTC").moment(late, late + timedelta(hours=1)) == "22:30:00"
    assert Format("Europe/Vilnius").moment(late - timedelta(hours=2), late) == "23 Nov 22:30"
    assert Format("Asia/Tokyo").full(late).startswith("24 Nov 2026 07:30:00.000")


@pytest.mark.parametrize("locale", LOCALES)
def test_every_format_writes_a_whole_moment_with_its_thousandths(locale: str) -> None:
    said = Format("Asia/Kathmandu", locale).full(AT)
    assert "27:10.412" in said
    assert "2026" in said


@settings(deadline=None)
@given(st.sampled_from(list(LOCALES)), st.integers(946684800, 4102444800))
def test_any_moment_can_be_written_in_every_format(locale: str, seconds: int) -> None:
    at, format_ = datetime.fromtimestamp(seconds, UTC), Format("America/St_Johns", locale)
    assert all([format_.moment(at, NOW), format_.full(at), format_.clock(at), format_.day(at.date())])


def test_a_list_tells_how_long_ago_or_when() -> None:
    assert Format().when(AT, NOW) == age(AT, NOW) == "1 h 10 min"
    assert Format("Europe/Berlin", "de", exact=True).when(AT, NOW) == "18:42:10"


@pytest.mark.parametrize(
    ("sentence", "behind"),
    [
        ("The payment is gone", "the payment is gone"),
        ("A refund, but of which?", "a refund, but of which?"),
        ("SHASIGN fits no passphrase", "SHASIGN fits no passphrase"),
        ("PayPal answered INVALID", "PayPal answered INVALID"),
        ("", ""),
    ],
)
def test_a_sentence_goes_on_behind_other_words_and_names_stay(sentence: str, behind: str) -> None:
    assert going_on(sentence) == behind


def test_a_sentence_that_is_kept_says_the_moment_by_the_shops_clock_and_which_it_is() -> None:
    assert Format("Europe/Vienna").kept(AT) == "23 Nov 18:42 CET"
