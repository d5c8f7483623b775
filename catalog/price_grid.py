"""Prices of a product as a grid: plans and templates across, what is measured down."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

PAST, NOW, LATER = "past", "now", "later"


def stage(price: Any, now: datetime) -> str:
    """Say whether a price is over, in force, or to come."""
    if price.end_date is not None and price.end_date <= now:
        return PAST
    return LATER if price.start_date > now else NOW


def short(bands: list[dict[str, Any]], text: Any) -> str:
    """Return what a price says in a cell: ``0.10 per unit``, ``5.00 fixed``, ``3 bands``."""
    if len(bands) != 1:
        return f"{len(bands)} bands"
    fixed, unit = Decimal(bands[0]["fixedPrice"]), Decimal(bands[0]["unitPrice"])
    if fixed and unit:
        return f"{text(fixed)} + {text(unit)} per unit"
    return f"{text(fixed)} fixed" if fixed else f"{text(unit)} per unit"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a price stands: a plan or template, what it prices, and the key of its segment."""

    owner: Any
    measured: Any
    segment: str = ""


def placed(prices: list[Any]) -> dict[Place, list[Any]]:
    """Return prices by their cell, each list by start."""
    cells: dict[Place, list[Any]] = defaultdict(list)
    for price in sorted(prices, key=lambda one: one.start_date):
        measured = (
            getattr(price, "aggregation_id", None)
            or getattr(price, "compound_aggregation_id", None)
            or getattr(price, "counter_id", None)
        )
        owner = price.plan_id or price.plan_template_id
        cells[Place(owner, measured, getattr(price, "segment_key", ""))].append(price)
    return cells


def in_force(prices: list[Any], now: datetime) -> Any:
    """Return the price in force, or None."""
    return next((one for one in prices if stage(one, now) == NOW), None)


def of_price(price: Any, currency: str) -> tuple[Any, ...]:
    """Return what makes two prices the same: currency, kind, bands and minimum."""
    keys = ("lowerLimit", "fixedPrice", "unitPrice")
    bands = tuple(tuple(Decimal(band[key]) for key in keys) for band in price.bands)
    is_spanning = getattr(price, "tiers_span_plan", None)
    minimum, kind = getattr(price, "minimum_spend", None), getattr(price, "type", None)
    return currency, price.is_cumulative, bands, is_spanning, minimum, kind
