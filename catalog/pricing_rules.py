"""Rules of pricings: bands, whose product, which segment (PRC, SEG, TSP)."""

import json
from decimal import Decimal
from typing import Any

from django.db.models import Q

from catalog.models import Aggregation, Pricing, PricingType
from organizations.kernel import ids, locking
from organizations.kernel.errors import FieldRefused, check_each

MAX_BANDS = 100


def segment_key(segment: dict[str, str]) -> str:
    """Return the canonical text of a segment map; empty for none."""
    if not segment:
        return ""
    return json.dumps(segment, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def ordered_bands(sent: list[dict[str, Any]], stored: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return bands ascending by lower limit (PRC-6), each with an id.

    A band keeps the id it was sent with when the pricing has it; else one at the same lower
    limit keeps its id, so that bill lines keep pointing at it.
    """
    known = {band["id"] for band in stored}
    by_limit = {band["lowerLimit"]: band["id"] for band in stored}
    result = []
    for band in sorted(sent, key=lambda band: band["lowerLimit"]):
        given = str(band.get("id") or "")
        identity = given if given in known else by_limit.get(band["lowerLimit"])
        result.append(
            {
                "id": identity or str(ids.new_id()),
                "lowerLimit": band["lowerLimit"],
                "fixedPrice": band["fixedPrice"],
                "unitPrice": band["unitPrice"],
            }
        )
    return result


def check_pricing(pricing: Pricing) -> None:
    """Refuse what breaks PRC-1..6, TSP-4, SEG-1, PRD-2; sorts the bands and sets the key."""
    stored = Pricing.objects.filter(pk=pricing.pk).first()
    aggregation = locking.current(pricing.aggregation)
    check_each(
        lambda: _check_type(pricing),
        lambda: _check_bands(pricing),
        lambda: _check_product(pricing, aggregation),
        lambda: _check_segment(pricing, aggregation),
        lambda: _check_end(pricing),
        lambda: _check_minimum(pricing),
    )
    pricing.bands = ordered_bands(pricing.bands, stored.bands if stored else [])
    _check_alone(pricing)


def _check_type(pricing: Pricing) -> None:
    if pricing.type != PricingType.DEBIT:  # a bill with a credit could not be made yet (CRD-1)
        raise FieldRefused("type", "pricings that give credit are not available yet")


def _check_end(pricing: Pricing) -> None:
    if pricing.end_date is not None and pricing.end_date <= pricing.start_date:
        raise FieldRefused("endDate", "must be after startDate")


def _check_minimum(pricing: Pricing) -> None:
    if pricing.minimum_spend is not None and pricing.minimum_spend < 0:
        raise FieldRefused("minimumSpend", "must be at least 0")


def _check_alone(pricing: Pricing) -> None:
    """Name the pricing that is in force at the same time (PRC-5); the database refuses it too."""
    rows = Pricing.objects.filter(
        plan_id=pricing.plan_id,
        plan_template_id=pricing.plan_template_id,
        aggregation_id=pricing.aggregation_id,
        segment_key=pricing.segment_key,
    ).exclude(pk=pricing.pk)
    later = Q(end_date__isnull=True) | Q(end_date__gt=pricing.start_date)
    rows = rows.filter(later)
    if pricing.end_date is not None:
        rows = rows.filter(start_date__lt=pricing.end_date)
    other = rows.order_by("start_date").first()
    if other is not None:
        named = f"pricing {other.code or other.pk}, from {other.start_date:%Y-%m-%d}"
        until = f" to {other.end_date:%Y-%m-%d}" if other.end_date else ""
        raise FieldRefused(
            "startDate",
            f"{named}{until}, is in force at this time for the same aggregation and segment",
        )


def _check_bands(pricing: Pricing) -> None:
    bands = pricing.bands
    if not 1 <= len(bands) <= MAX_BANDS:
        raise FieldRefused("pricingBands", f"1 to {MAX_BANDS} bands are needed")
    limits = [band["lowerLimit"] for band in bands]
    if min(limits) != 0:
        raise FieldRefused("pricingBands", "the lowest lowerLimit must be 0")
    if len(set(limits)) != len(limits):
        raise FieldRefused("pricingBands", "each lowerLimit may occur only once")
    for position, band in enumerate(bands):
        for key in ("fixedPrice", "unitPrice"):
            if pricing.type == PricingType.DEBIT and Decimal(band[key]) < 0:
                raise FieldRefused(
                    f"pricingBands[{position}].{key}", "must not be negative with type DEBIT"
                )


def _check_product(pricing: Pricing, aggregation: Aggregation) -> None:
    if (pricing.plan_id is None) == (pricing.plan_template_id is None):
        raise FieldRefused("planId", "exactly one of planId and planTemplateId is needed")
    plan = locking.current(pricing.plan) if pricing.plan else None
    template = locking.current(plan.plan_template if plan else pricing.plan_template)
    meter_product = aggregation.meter.product_id
    if meter_product is not None and meter_product != template.product_id:
        raise FieldRefused("aggregationId", "belongs to another product than the plan (PRD-2)")


def _check_segment(pricing: Pricing, aggregation: Aggregation) -> None:
    if pricing.segment and pricing.segment not in aggregation.segments:
        raise FieldRefused("segment", "is not defined on the aggregation")
    if aggregation.segments and not pricing.segment:
        raise FieldRefused("segment", "a segmented aggregation is priced segment by segment")
    pricing.segment_key = segment_key(pricing.segment)
