"""Calculation records: what a line keeps so that it can be explained and recomputed alone.

A record has a ``kind`` (see ``kinds``), the facts of that kind, and for every kind the currency
with its rounding, the conversion and both results. Decimals are plain strings and instants ISO
8601, so that nothing is lost on the way to a column and back. Here are the facts that several
kinds have, and the way back from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from uuid import UUID

from billing.rating.inputs import Aggregation, Band, PricingTerm
from billing.rating.lines import Record
from billing.rating.schedule import DayShare
from billing.rating.telling import Facts
from organizations.kernel.money import ONE, Currency, RoundingMode, plain


# The same prices and aggregations serve every account of a bill run, so their facts are written
# once. Records are read-only to everybody, as their type says.
@lru_cache(maxsize=4096)
def band_facts(steps: tuple[Band, ...]) -> list[dict[str, str]]:
    """Return all bands of a price, lowest first."""
    return [
        {
            "id": str(band.id),
            "lowerLimit": plain(band.lower_limit),
            "fixedPrice": plain(band.fixed_price),
            "unitPrice": plain(band.unit_price),
        }
        for band in steps
    ]


@lru_cache(maxsize=4096)
def aggregation_facts(aggregation: Aggregation) -> dict[str, str | None]:
    """Return how a quantity was measured and becomes units."""
    return {
        "id": str(aggregation.id),
        "name": aggregation.name,
        "code": aggregation.code,
        "method": aggregation.method,
        "unit": aggregation.unit,
        "quantityPerUnit": plain(aggregation.quantity_per_unit),
        "rounding": aggregation.rounding,
        **({"query": aggregation.query} if aggregation.query else {}),
    }


def pricing_facts(pricing: PricingTerm) -> dict[str, object]:
    """Return which price it was, by id and version, and how its bands are read."""
    return {
        "id": str(pricing.id),
        "version": pricing.version,
        "type": pricing.type,
        "cumulative": pricing.cumulative,
        "tiersSpanPlan": pricing.tiers_span_plan,
        "segment": dict(pricing.segment),
    }


def complete(
    facts: dict[str, object],
    *,
    currency: Currency,
    bill_currency: Currency,
    rate: Decimal,
    subtotal: Decimal,
    converted_subtotal: Decimal,
) -> Record:
    """Add to the facts of a line what every line has: rounding, conversion, both results."""
    is_converted = converted_subtotal is not subtotal
    amount = plain(subtotal)
    return {
        **facts,
        "currency": _currency(currency),
        "billCurrency": _currency(bill_currency),
        "conversionRate": "1" if rate is ONE else plain(rate),
        "subtotal": amount,
        "convertedSubtotal": plain(converted_subtotal) if is_converted else amount,
    }


@lru_cache(maxsize=1024)
def _currency(currency: Currency) -> dict[str, object]:
    return {
        "code": currency.code,
        "maxDecimalPlaces": currency.max_decimal_places,
        "roundingMode": currency.rounding_mode,
    }


def shares_facts(shares: Sequence[DayShare]) -> list[dict[str, int]]:
    """Return the days that were charged, and those of their nominal periods (STC-4)."""
    return [
        {"activeDays": share.active_days, "nominalDays": share.nominal_days} for share in shares
    ]


def bands_of(facts: Facts) -> tuple[Band, ...]:
    """Return the bands of a record with ``bands``."""
    return tuple(
        Band(
            UUID(band["id"]),
            Decimal(band["lowerLimit"]),
            Decimal(band["fixedPrice"]),
            Decimal(band["unitPrice"]),
        )
        for band in facts["bands"]
    )


def currency_of(facts: Facts) -> Currency:
    """Return a currency of a record."""
    return Currency(facts["code"], facts["maxDecimalPlaces"], RoundingMode(facts["roundingMode"]))
