"""How amounts, numbers, days and labels are written in a language. Pure.

A locale is chosen by tag: ``de-AT`` falls back to ``de``, an unknown one to ``en``. Figures are
never rounded here: what is stored is what is printed, with at least the currency's places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Final, Literal

from babel.dates import get_month_names
from babel.numbers import get_decimal_symbol, get_group_symbol

from billing.bills.document import words
from organizations.kernel.money import plain

DEFAULT: Final = "en"

# Only unmistakable symbols; every other currency, custom ones included, is named by its code.
SYMBOLS: Final = {
    "USD": "$",
    "EUR": "€",
    "GBP": "£",
    "JPY": "¥",
    "INR": "₹",
    "KRW": "₩",
    "CAD": "CA$",
    "AUD": "A$",
    "NZD": "NZ$",
    "HKD": "HK$",
    "SGD": "S$",
    "MXN": "MX$",
    "BRL": "R$",
    "ILS": "₪",
    "TRY": "₺",
    "UAH": "₴",
    "VND": "₫",
    "PLN": "zł",
    "CZK": "Kč",
}
_NO_BREAK: Final = "\N{NO-BREAK SPACE}"
_DASH: Final = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Locale:
    """One way of writing. ``day`` and ``short_day`` are patterns over day, month and year."""

    tag: str
    is_symbol_first: bool
    day_pattern: str
    short_day_pattern: str
    paper: str = "a4"
    minus: str = "\N{MINUS SIGN}"

    @property
    def decimal_mark(self) -> str:
        """The mark before decimals."""
        return _marks(self.tag)[0]

    @property
    def group_mark(self) -> str:
        """The mark between thousands."""
        return _marks(self.tag)[1]

    @property
    def language(self) -> str:
        """The language of the labels: ``en`` of ``en-US``."""
        return self.tag.partition("-")[0]

    @property
    def words(self) -> Mapping[str, str]:
        """The labels of the document."""
        return words.LABELS[self.language]

    def number(self, value: Decimal, *, places: int = 0) -> str:
        """Write an exact number with at least ``places`` decimals: ``1,234.50``."""
        # ``abs`` would round to the caller's precision.
        whole, _, fraction = plain(value.copy_abs()).partition(".")
        grouped = f"{int(whole):,}".replace(",", self.group_mark)
        fraction = fraction.ljust(places, "0")
        text = f"{grouped}{self.decimal_mark}{fraction}" if fraction else grouped
        return f"{self.minus}{text}" if value < 0 else text

    def money(self, amount: Decimal, currency: str, places: int) -> str:
        """Write an amount with symbol or code: ``$1,234.50``, ``1.234,50 €``, ``3 CREDITS``."""
        figure = self.number(amount.copy_abs(), places=places)
        symbol = SYMBOLS.get(currency)
        if symbol and self.is_symbol_first:
            text = f"{symbol}{figure}"
        else:
            text = f"{figure}{_NO_BREAK}{symbol or currency}"
        return f"{self.minus}{text}" if amount < 0 else text

    def day(self, day: date) -> str:
        """Write a day in full: ``1 June 2024``."""
        return self._day(day, self.day_pattern, _months(self.language, "wide"))

    def short_day(self, day: date) -> str:
        """Write a day with a short month: ``1 Jun 2024``."""
        return self._day(day, self.short_day_pattern, _months(self.language, "abbreviated"))

    def days(self, first: date, latest: date) -> str:
        """Write a range by its first and latest day, both included, as readers expect."""
        if first == latest:
            return self.short_day(first)
        return f"{self.short_day(first)} {_DASH} {self.short_day(latest)}"

    def instants(self, start: datetime, end: datetime) -> str:
        """Write a range that does not begin or end at midnight; the end is exclusive."""
        moments = (f"{self.short_day(moment)} {moment:%H:%M}" for moment in (start, end))
        return f" {_DASH} ".join(moments)

    def _day(self, day: date, pattern: str, months: tuple[str, ...]) -> str:
        return pattern.format(day=day.day, month=months[day.month - 1], year=f"{day.year:04d}")


@cache
def _marks(tag: str) -> tuple[str, str]:
    named = tag.replace("-", "_")
    return get_decimal_symbol(named), get_group_symbol(named)


@cache
def _months(language: str, width: Literal["wide", "abbreviated"]) -> tuple[str, ...]:
    names = get_month_names(width, "format", language)
    return tuple(names[number] for number in range(1, 13))


_LOCALES: Final = {
    locale.tag: locale
    for locale in (
        Locale("en", True, "{day} {month} {year}", "{day} {month} {year}"),
        Locale("en-US", True, "{month} {day}, {year}", "{month} {day}, {year}", "us-letter"),
        Locale("de", False, "{day}. {month} {year}", "{day}. {month} {year}"),
        Locale("fr", False, "{day} {month} {year}", "{day} {month} {year}"),
        Locale("es", False, "{day} de {month} de {year}", "{day} {month} {year}"),
    )
}

TAGS: Final = tuple(_LOCALES)


def find(tag: str) -> Locale:
    """Return the locale of a tag, the nearest one there is, or English."""
    language, _, region = tag.replace("_", "-").partition("-")
    exact = f"{language.lower()}-{region.upper()}" if region else language.lower()
    return _LOCALES.get(exact) or _LOCALES.get(language.lower()) or _LOCALES[DEFAULT]
