"""Rules of compound aggregations (usage.md 11)."""

from typing import Any
from uuid import UUID

from catalog import derived_fields
from catalog.calculations import (
    AggregationNames,
    Calculation,
    CalculationRefused,
    Type,
    compile_calculation,
)
from catalog.models import Aggregation, CompoundAggregation
from organizations.kernel import locking
from organizations.kernel.errors import FieldRefused, check_each

Segments = list[dict[str, str]]


def names(organization_id: UUID) -> AggregationNames:
    """Return what a compound of the organization may refer to: aggregations and custom fields."""
    codes = Aggregation.objects.filter(organization_id=organization_id, code__isnull=False)
    defaults = derived_fields.custom_field_defaults(organization_id)
    return AggregationNames(codes.values_list("code", flat=True), defaults)


def compiled(compound: CompoundAggregation, among: AggregationNames) -> Calculation:
    """Return the calculation of a compound; raises ``CalculationRefused``."""
    return compile_calculation(compound.calculation, among, expects=Type.NUMBER)


def check_compound(compound: CompoundAggregation) -> None:
    """Refuse a calculation that cannot be read; notes what it refers to (11.1, 11.2)."""
    check_each(
        lambda: _check_calculation(compound),
        lambda: _check_quantity(compound),
        lambda: _check_priced(compound),
    )


def _check_quantity(compound: CompoundAggregation) -> None:
    if compound.quantity_per_unit <= 0:
        raise FieldRefused("quantityPerUnit", "must be greater than 0")


def _check_calculation(compound: CompoundAggregation) -> None:
    try:
        calculation = compiled(compound, names(compound.organization_id))
    except CalculationRefused as refused:
        raise FieldRefused("calculation", str(refused)) from refused
    prefix = "aggregation."
    codes = [key.removeprefix(prefix) for key in calculation.references if key.startswith(prefix)]
    # Held: until this is saved nobody deletes, renames or segments what it refers to.
    found = locking.held(
        Aggregation.objects.filter(organization_id=compound.organization_id, code__in=codes)
    )
    compound.aggregation_ids = sorted(row.pk for row in found)
    compound.segments = segments_of(found)


def segments_of(aggregations: list[Aggregation]) -> Segments:
    """Return the segments that every segmented aggregation defines identically (11.5)."""
    segmented = [row for row in aggregations if row.segments]
    if not segmented:
        return []
    first, *others = sorted(segmented, key=lambda row: row.pk)
    return [one for one in first.segments if all(one in other.segments for other in others)]


def _check_priced(compound: CompoundAggregation) -> None:
    """A compound that plans of its product price stays with the product."""
    stored = CompoundAggregation.objects.filter(pk=compound.pk).first()
    if stored is None or compound.product_id in (None, stored.product_id):
        return
    for pricing in stored.pricings.select_related("plan__plan_template", "plan_template"):
        template = pricing.plan.plan_template if pricing.plan_id else pricing.plan_template
        if template.product_id != compound.product_id:
            raise FieldRefused("productId", "cannot change while plans of another product price it")


def check_aggregation(aggregation: Aggregation) -> None:
    """Refuse to rename or unname an aggregation that a compound refers to by its code."""
    stored = Aggregation.objects.filter(pk=aggregation.pk).first()
    if stored is None or stored.code == aggregation.code:
        return
    used = CompoundAggregation.objects.filter(aggregation_ids__contains=[stored.pk]).first()
    if used is not None:
        raise FieldRefused("code", f"cannot change: compound aggregation {used.name} refers to it")


def follow_segments(rows: list[Any], happened: str) -> None:
    """Keep the segments of compounds those of the aggregations they refer to."""
    if happened != "updated":
        return
    ids = [row.pk for row in rows]
    for compound in CompoundAggregation.objects.filter(aggregation_ids__overlap=ids):
        found = list(Aggregation.objects.filter(pk__in=compound.aggregation_ids))
        CompoundAggregation.objects.filter(pk=compound.pk).update(segments=segments_of(found))
