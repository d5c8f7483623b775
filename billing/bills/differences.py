"""What differs between a stored line and another calculation of it, in words of the wire.

Amounts and quantities stay decimals; prices, aggregations and shares of days are compared as the
short texts that people read. Ids and versions of prices are no difference: they change no amount.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from billing.models import LineItem
from billing.rating.lines import RatedLine
from billing.rating.telling import (
    aggregation_text,
    bands_text,
    counter_text,
    pricing_text,
    rounding_text,
    shares_text,
)
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


_TEXTS: Mapping[str, tuple[str, Callable[[Any], Value]]] = {
    "bands": ("bands", bands_text),
    "pricing": ("pricing", pricing_text),
    "aggregation": ("aggregation", aggregation_text),
    "counter": ("counter", counter_text),
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
