"""Calculation records: what a line keeps so that it can be explained and recomputed alone.

A record has a ``kind`` (``usage``, ``prorated``, ``top-up`` or ``refund``), the facts of that kind,
and for every kind the currency with its rounding, the conversion and both results. Decimals are
plain strings and instants ISO 8601, so that nothing is lost on the way to a column and back.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache

from billing.rating.inputs import Aggregation, Band, PricingTerm, UsageWindow
from billing.rating.lines import Record
from billing.rating.schedule import DayShare
from organizations.kernel.money import ONE, ZERO, Currency, plain

USAGE = "usage"
PRORATED = "prorated"
TOP_UP = "top-up"
REFUND = "refund"


def usage_facts(
    pricing: PricingTerm, steps: tuple[Band, ...], window: UsageWindow, units: Decimal
) -> dict[str, object]:
    """Return the facts of a usage line: price row and version, all bands, how it was measured."""
    quantity = window.quantity
    return {
        "kind": USAGE,
        "pricing": pricing_facts(pricing),
        "bands": _band_facts(steps),
        "aggregation": _aggregation_facts(pricing.aggregation),
        "quantity": None if quantity is None else plain(quantity),
        "eventCount": window.event_count,
        "unitsBefore": plain(window.units_before) if window.units_before else "0",
        "units": plain(units),
    }


# The same prices and aggregations serve every account of a bill run, so their facts are written
# once. Records are read-only to everybody, as their type says.
@lru_cache(maxsize=4096)
def _band_facts(steps: tuple[Band, ...]) -> list[dict[str, str]]:
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
def _aggregation_facts(aggregation: Aggregation) -> dict[str, str | None]:
    return {
        "id": str(aggregation.id),
        "name": aggregation.name,
        "code": aggregation.code,
        "method": aggregation.method,
        "unit": aggregation.unit,
        "quantityPerUnit": plain(aggregation.quantity_per_unit),
        "rounding": aggregation.rounding,
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


def prorated_facts(
    subject: str, amount: Decimal, shares: Sequence[DayShare], in_advance: bool
) -> dict[str, object]:
    """Return the facts of a fixed amount charged by days (STC-4, MIN-7)."""
    return {
        "kind": PRORATED,
        "subject": subject,
        "amount": plain(amount),
        "inAdvance": in_advance,
        "shares": _shares(shares),
    }


def top_up_facts(
    amount: Decimal, shares: Sequence[DayShare], eligible: Decimal
) -> dict[str, object]:
    """Return the facts of a minimum spend assessed at the end of its period (MIN-2)."""
    return {
        "kind": TOP_UP,
        "subject": "minimum spend",
        "amount": plain(amount),
        "shares": _shares(shares),
        "eligible": plain(eligible),
    }


def refund_facts(advance: Decimal, eligible: Decimal, excess: Decimal = ZERO) -> dict[str, object]:
    """Return the facts of the return of a minimum spend billed in advance (MIN-3).

    ``excess``, rarely there, is what the advance asks for above what is due for the period now.
    """
    facts: dict[str, object] = {
        "kind": REFUND,
        "subject": "minimum spend",
        "advance": plain(advance),
        "eligible": plain(eligible),
    }
    return facts | {"excess": plain(excess)} if excess else facts


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


def _shares(shares: Sequence[DayShare]) -> list[dict[str, int]]:
    return [
        {"activeDays": share.active_days, "nominalDays": share.nominal_days} for share in shares
    ]
