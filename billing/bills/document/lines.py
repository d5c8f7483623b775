"""The lines of the document: grouped by product, with bands, periods and conversions in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from billing.bills import line_words
from billing.bills.document.locales import Locale
from billing.bills.document.text import printable
from billing.models import LineItem, LineItemType
from billing.rating import band_rows
from billing.rating.band_rows import BandRow
from organizations.kernel.money import ZERO
from organizations.kernel.periods import parse_timezone

Content = dict[str, Any]
_PLACES_WITHOUT_SETTINGS = 2


@dataclass(frozen=True, slots=True)
class Writing:
    """How figures of one bill are written."""

    locale: Locale
    places: Mapping[str, int]
    bill_currency: str
    timezone: str

    def money(self, amount: Decimal, currency: str) -> str:
        """Write an amount in a currency."""
        places = self.places.get(currency, _PLACES_WITHOUT_SETTINGS)
        return printable(self.locale.money(amount, currency, places))

    def billed(self, amount: Decimal) -> str:
        """Write an amount in the bill's currency."""
        return self.money(amount, self.bill_currency)

    def units(self, units: Decimal, unit: str) -> str:
        """Write units with their label, at a readable number of places."""
        shown, is_exact = line_words.readable(units)
        figure = self.locale.number(shown)
        return printable(line_words.with_unit(figure if is_exact else f"≈\u00a0{figure}", unit))

    def service_period(self, line: LineItem) -> str:
        """Write when the service was used, in the bill's timezone."""
        start, end = self._local(line)
        if self.is_whole_days(line):
            return self.locale.days(start.date(), end.date() - timedelta(days=1))
        return self.locale.instants(start, end)

    def is_whole_days(self, line: LineItem) -> bool:
        """Whether the service period runs from midnight to a later midnight."""
        start, end = self._local(line)
        return start.time() == end.time() == time() and start.date() < end.date()

    def _local(self, line: LineItem) -> tuple[datetime, datetime]:
        zone = parse_timezone(self.timezone)
        return (
            line.service_period_start.astimezone(zone),
            line.service_period_end.astimezone(zone),
        )


def groups(line_items: Sequence[LineItem], writing: Writing) -> list[Content]:
    """Return the lines by product, products and lines in the bill's order (LIN-6).

    What belongs to no product comes last. A group's subtotal is the plain sum of its lines.
    """
    by_product: dict[str | None, list[LineItem]] = {}
    for line in line_items:
        by_product.setdefault(line.product_name, []).append(line)
    without_product = by_product.pop(None, None)
    ordered = list(by_product.items())
    if without_product:
        ordered.append((writing.locale.words["other"], without_product))
    return [
        {
            "name": printable(name),
            "lines": [line_content(line, writing) for line in members],
            "subtotal": writing.billed(sum((line.converted_subtotal for line in members), ZERO)),
        }
        for name, members in ordered
    ]


def line_content(line: LineItem, writing: Writing) -> Content:
    """Return one line: a single price stands on the line itself, several in a row each."""
    bands = band_rows.of_line(line.band_usage, line.calculation)
    is_single = len(bands) == 1 and not bands[0].fixed
    is_metered = bool(bands) or line.units != 1 or bool(line.unit)
    return {
        "description": printable(
            line_words.description(line, writing.locale.words["other_values"])
        ),
        "details": _details(line, writing),
        "units": writing.units(line.units, line.unit) if is_metered else "",
        "price": _unit_price(line, bands[0], writing) if is_single else "",
        "amount": writing.billed(line.converted_subtotal),
        "bands": [] if is_single else _bands(line, bands, writing),
    }


def _details(line: LineItem, writing: Writing) -> list[str]:
    """Return the small print below a line's description."""
    words = writing.locale.words
    details = [writing.service_period(line), *_days(line, writing)]
    if line.line_item_type == LineItemType.MINIMUM_SPEND_REFUND:
        details.append(words["refund"])
    if line.child_account_code:
        details.append(printable(words["for_account"].format(code=line.child_account_code)))
    if line.currency != writing.bill_currency:
        amount = writing.money(line.subtotal, line.currency)
        rate = writing.locale.number(line.conversion_rate)
        details.append(words["converted"].format(amount=amount, rate=rate))
    return details


def _days(line: LineItem, writing: Writing) -> list[str]:
    """Say what part of a period was charged, where it was not all of it."""
    shares = line.calculation.get("shares", ())
    active = sum(share["activeDays"] for share in shares)
    nominal = sum(share["nominalDays"] for share in shares)
    if active == nominal:
        return []
    return [writing.locale.words["days"].format(active=active, nominal=nominal)]


def _bands(line: LineItem, bands: Sequence[BandRow], writing: Writing) -> list[Content]:
    return [
        {
            "label": printable(_band_label(line, band, writing)),
            "units": writing.units(band.units, ""),
            "price": _unit_price(line, band, writing),
            "amount": writing.money(band.amount, line.currency),
        }
        for band in bands
    ]


def _unit_price(line: LineItem, band: BandRow, writing: Writing) -> str:
    """Return the price of a unit; nothing where units only decide which fixed price is due."""
    return writing.money(band.unit_price, line.currency) if band.has_unit_price else ""


def _band_label(line: LineItem, band: BandRow, writing: Writing) -> str:
    """Return ``1,000 to 5,000``, with the fixed price where it was charged."""
    words, number = writing.locale.words, writing.locale.number
    lower = number(band.lower_limit)
    if band.upper_limit is None:
        label = words["band_above"].format(lower=lower)
    else:
        label = words["band_between"].format(lower=lower, upper=number(band.upper_limit))
    if not band.fixed:
        return label
    fixed = writing.money(band.fixed, line.currency)
    return f"{label}, {words['fixed'].format(amount=fixed)}"
