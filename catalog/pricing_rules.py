"""Rules of pricings: bands, whose product, which segment (PRC, SEG, TSP)."""

import json

from catalog import band_rules
from catalog.models import Aggregation, CompoundAggregation, Pricing, PricingType
from organizations.kernel import locking
from organizations.kernel.errors import FieldRefused, check_each


def segment_key(segment: dict[str, str]) -> str:
    """Return the canonical text of a segment map; empty for none."""
    if not segment:
        return ""
    return json.dumps(segment, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def check_pricing(pricing: Pricing) -> None:
    """Refuse what breaks PRC-1..6, TSP-4, SEG-1, PRD-2; sorts the bands and sets the key."""
    stored = Pricing.objects.filter(pk=pricing.pk).first()
    _check_measured(pricing)
    aggregation = locking.current(pricing.aggregation or pricing.compound_aggregation)
    check_each(
        lambda: _check_bands(pricing),
        lambda: _check_product(pricing, aggregation),
        lambda: _check_segment(pricing, aggregation),
        lambda: band_rules.check_end(pricing),
        lambda: _check_minimum(pricing),
        lambda: _check_overage(pricing),
    )
    pricing.bands = band_rules.ordered_bands(pricing.bands, stored.bands if stored else [])
    pricing.overage_bands = band_rules.ordered_bands(
        pricing.overage_bands, stored.overage_bands if stored else []
    )
    _check_alone(pricing)


def _check_measured(pricing: Pricing) -> None:
    if (pricing.aggregation_id is None) == (pricing.compound_aggregation_id is None):
        raise FieldRefused(
            "aggregationId", "exactly one of aggregationId and compoundAggregationId is needed"
        )


def _check_overage(pricing: Pricing) -> None:
    """Overage bands go with cumulative pricings that restart every period (OVG-1, TSP-4)."""
    if not pricing.overage_bands:
        return
    if pricing.tiers_span_plan:
        raise FieldRefused("overagePricingBands", "cannot be combined with tiersSpanPlan")
    if not pricing.is_cumulative:
        raise FieldRefused("overagePricingBands", "need a cumulative pricing")
    is_credit = pricing.type != PricingType.DEBIT
    band_rules.check_bands("overagePricingBands", pricing.overage_bands, may_be_negative=is_credit)


def _check_minimum(pricing: Pricing) -> None:
    if pricing.minimum_spend is not None and pricing.minimum_spend < 0:
        raise FieldRefused("minimumSpend", "must be at least 0")


def _check_alone(pricing: Pricing) -> None:
    """Name the pricing that is in force at the same time (PRC-5); the database refuses it too."""
    alike = Pricing.objects.filter(
        plan_id=pricing.plan_id,
        plan_template_id=pricing.plan_template_id,
        aggregation_id=pricing.aggregation_id,
        compound_aggregation_id=pricing.compound_aggregation_id,
        segment_key=pricing.segment_key,
    )
    band_rules.check_alone(pricing, alike, "pricing", "the same aggregation and segment")


def _check_bands(pricing: Pricing) -> None:
    is_credit = pricing.type != PricingType.DEBIT
    band_rules.check_bands("pricingBands", pricing.bands, may_be_negative=is_credit)


def _check_product(pricing: Pricing, measured: Aggregation | CompoundAggregation) -> None:
    band_rules.check_owner(pricing)
    plan = locking.current(pricing.plan) if pricing.plan else None
    template = locking.current(plan.plan_template if plan else pricing.plan_template)
    is_simple = isinstance(measured, Aggregation)
    product_id = measured.meter.product_id if is_simple else measured.product_id
    if product_id is not None and product_id != template.product_id:
        field = "aggregationId" if is_simple else "compoundAggregationId"
        raise FieldRefused(field, "belongs to another product than the plan")


def _check_segment(pricing: Pricing, measured: Aggregation | CompoundAggregation) -> None:
    if pricing.segment and pricing.segment not in measured.segments:
        raise FieldRefused("segment", "is not defined on the aggregation")
    if measured.segments and not pricing.segment:
        raise FieldRefused("segment", "a segmented aggregation is priced segment by segment")
    pricing.segment_key = segment_key(pricing.segment)
