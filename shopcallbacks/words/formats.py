"""How times, amounts and numbers are written: in a time zone, and as a language has them. The words stay English."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache

from babel import Locale
from babel.dates import format_date, format_datetime, get_time_format, get_timezone
from babel.numbers import format_decimal

from ..domain.values import Money

# What can be chosen, each in its own words.
LOCALES = {
    "en_GB": "English (UK)",
    "en_US": "English (US)",
    "de": "Deutsch",
    "fr": "Français",
    "es": "Español",
    "it": "Italiano",
    "nl": "Nederlands",
    "pl": "Polski",
    "lt": "Lietuvių",
    "cs": "Čeština",
    "pt_PT": "Português (Portugal)",
    "pt_BR": "Português (Brasil)",
    "uk": "Українська",
}
USUAL = "en_GB"


@dataclass(frozen=True)
class Format:
    """`exact`: lists tell when something was, not how long ago."""

    zone: str = "UTC"
    locale: str = USUAL
    exact: bool = False

    # numbers

    def number(self, value: int) -> str:
        """ "41,208"."""
        return str(format_decimal(value, format="#,##0", locale=self.locale))

    def counted(self, count: int, one: str, many: str = "") -> str:
        """ "1 order", "9 orders", "41,208 callbacks"."""
        return f"{self.number(count)} {one if count == 1 else many or one + 's'}"

    def money(self, value: Money | None) -> str:
        """ "1,420.00 EUR", "12,300 JPY"; a dash where there is none."""
        if value is None:
            return "\N{EN DASH}"
        return f"{self._decimal(value.amount, -int(value.amount.as_tuple().exponent))} {value.currency}"

    def percent(self, share: float) -> str:
        """ "98.6 %"; only all of it is "100 %"."""
        return "100 %" if share == 1 else f"{self._decimal(min(share * 100, 99.9), 1)} %"

    def span(self, length: timedelta) -> str:
        """A duration: "0.2 ms", "42 ms", "3.1 s", "12 min"."""
        milliseconds = length.total_seconds() * 1000
        if milliseconds < 10:
            return f"{self._decimal(milliseconds, 1)} ms"
        if milliseconds < 1000:
            return f"{milliseconds:.0f} ms"
        if milliseconds < 60_000:
            return f"{self._decimal(milliseconds / 1000, 1)} s"
        since = datetime(2000, 1, 1, tzinfo=UTC)
        return age(since, since + length)

    # times

    def day(self, value: date) -> str:
        """ "23 Nov 2026"."""
        return str(format_date(value, _patterns(self.locale).day, locale=self.locale))

    def clock(self, at: datetime, pattern: str = "") -> str:
        """The moment by the clock: "18:42:10", or in Babel's pattern."""
        pattern = pattern or _patterns(self.locale).seconds
        return str(format_datetime(at, pattern, tzinfo=get_timezone(self.zone), locale=self.locale))

    def moment(self, at: datetime, now: datetime, seconds: bool = True) -> str:
        """When it was: "18:42:10" today, "20 Nov 18:42" this year, "20 Nov 2025" before."""
        patterns = _patterns(self.locale)
        local, today = (value.astimezone(get_timezone(self.zone)).date() for value in (at, now))
        if local == today:
            return self.clock(at, patterns.seconds if seconds else patterns.minutes)
        return self.clock(
            at, f"{patterns.day_of_year} {patterns.minutes}" if local.year == today.year else patterns.day
        )

    def full(self, at: datetime) -> str:
        """The whole moment: "23 Nov 2026 18:42:10.412 GMT+1"."""
        patterns = _patterns(self.locale)
        return self.clock(at, f"{patterns.day} {patterns.seconds.replace('ss', 'ss.SSS')} z")

    def kept(self, at: datetime) -> str:
        """In a sentence that is kept, for whoever reads it: "23 Nov 18:42 CET"."""
        return f"{at.astimezone(get_timezone(self.zone)):%d %b %H:%M %Z}"

    def when(self, at: datetime, now: datetime) -> str:
        """In a list, as the reader wants it: "2 h 10 min" or "18:42:10"."""
        return self.moment(at, now) if self.exact else age(at, now)

    def _decimal(self, value: Decimal | float, decimals: int) -> str:
        pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
        return str(format_decimal(value, format=pattern, locale=self.locale))


PLAIN = Format()


def age(since: datetime, now: datetime) -> str:
    """How long ago, in at most two units: "8 s", "40 min", "2 h 10 min", "3 d 4 h"."""
    seconds = max(int((now - since).total_seconds()), 0)
    if seconds < 60:
        return f"{seconds} s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 60:
        return f"{minutes} min"
    if hours < 24:
        return f"{hours} h {minutes % 60:02} min"
    return f"{days} d {hours % 24} h"


@dataclass(frozen=True)
class _Patterns:
    """A locale's own order of day, month, year and of hours, minutes, seconds."""

    day: str
    day_of_year: str
    minutes: str
    seconds: str


@cache
def _patterns(locale: str) -> _Patterns:
    days = Locale.parse(locale).datetime_skeletons
    times = (get_time_format(length, locale).pattern for length in ("short", "medium"))
    return _Patterns(days["yMMMd"].pattern, days["MMMd"].pattern, *times)


ADDRESS = re.compile(r"[^\s@,;<>\"()\[\]\\]{1,64}@[A-Za-z0-9.-]{1,255}", re.ASCII)


def going_on(sentence: str) -> str:
    """As it stands behind other words: begun with a small letter, but for names with further capitals (`SHASIGN`)."""
    first = sentence.partition(" ")[0]
    return sentence if first[1:] != first[1:].lower() else sentence[:1].lower() + sentence[1:]
