"""What differs between a stored line and another calculation of it, in words of the wire.

Amounts and quantities stay decimals; prices, aggregations and shares of days are compared as the
short texts that people read. Ids and versions of prices are no difference: they change no amount.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from billing.bills.sentences import shares_text
from billing.models import LineItem
from billing.rating.inputs import QuantityRounding
from billing.rating.lines import RatedLine
from organizations.kernel.money import eighteen_places

Facts = Mapping[str, Any]
Value = Decimal | datetime | str | int | bool | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One field: what is stored, and what the other calculation gives."""

    field: str
    stored: Value
    now: Value


def of_amounts(
    line: LineItem, subtotal: Decimal, converted_subtotal: Decimal
) -> tuple[Difference, ...]:
    """Return which of the two amounts differ."""
    return _differing(
        [
            ("subtotal", line.subtotal, subtotal),
            ("convertedSubtotal", line.converted_subtotal, converted_subtotal),
        ]
    )


def of_lines(line: LineItem, now: RatedLine) -> tuple[Difference, ...]:
    """Return every field that differs, then every fact behind them."""
    return _differing(
        [
            ("description", line.description, now.description),
            ("quantity", line.quantity, eighteen_places(now.quantity)),
            ("units", line.units, eighteen_places(now.units)),
            ("unit", line.unit, now.unit),
            ("subtotal", line.subtotal, now.subtotal),
            ("currency", line.currency, now.currency),
            ("conversionRate", line.conversion_rate, eighteen_places(now.conversion_rate)),
            ("convertedSubtotal", line.converted_subtotal, now.converted_subtotal),
            ("servicePeriodStartDate", line.service_period_start, now.service_period.start),
            ("servicePeriodEndDate", line.service_period_end, now.service_period.end),
            *_facts(line.calculation, now.calculation),
        ]
    )


def pricing_text(pricing: Facts) -> str:
    """Return how a price reads its bands."""
    if pricing["cumulative"]:
        text = "each band's units at that band's price"
    else:
        text = "all units at the price of the band they reach"
    return f"{text}, counted since the plan started" if pricing["tiersSpanPlan"] else text


def aggregation_text(aggregation: Facts) -> str:
    """Return how the quantity was measured and becomes units."""
    method = aggregation["method"] or "calculated"
    text = f"{method} of {aggregation['name']}, {aggregation['quantityPerUnit']} a unit"
    rounding = QuantityRounding(aggregation["rounding"])
    return text if rounding is QuantityRounding.NONE else f"{text}, rounded {rounding.value}"


def bands_text(bands: Sequence[Facts]) -> str:
    """Return ``above 0: 0.10; above 1000: 5 + 0.05``, a fixed price in front of the unit price."""
    return "; ".join(
        f"above {band['lowerLimit']}: "
        + (f"{band['fixedPrice']} + " if Decimal(band["fixedPrice"]) else "")
        + band["unitPrice"]
        for band in bands
    )


def rounding_text(currency: Facts) -> str:
    """Return how amounts of a currency are rounded."""
    return f"{currency['maxDecimalPlaces']} decimals, {currency['roundingMode']}"


_TEXTS: Mapping[str, tuple[str, Callable[[Any], Value]]] = {
    "bands": ("bands", bands_text),
    "pricing": ("pricing", pricing_text),
    "aggregation": ("aggregation", aggregation_text),
    "shares": ("days", shares_text),
    "currency": ("rounding", rounding_text),
    "billCurrency": ("billRounding", rounding_text),
}
# Fields of the line itself, compared above.
_ON_THE_LINE = {"quantity", "units", "conversionRate", "subtotal", "convertedSubtotal"}


def _facts(stored: Facts, now: Facts) -> Iterator[tuple[str, Value, Value]]:
    for name in [*stored, *(name for name in now if name not in stored)]:
        if name in _ON_THE_LINE:
            continue
        field, text = _TEXTS.get(name, (name, _as_it_is))
        yield (
            field,
            text(stored[name]) if name in stored else None,
            text(now[name]) if name in now else None,
        )


def _as_it_is(value: Value) -> Value:
    return value


def _differing(fields: Sequence[tuple[str, Value, Value]]) -> tuple[Difference, ...]:
    return tuple(Difference(*field) for field in fields if field[1] != field[2])
