"""Compound aggregations that are priced, ready to be measured: compiled, with what they refer to.

Three queries, whatever the number of plans and compounds, and none where there is no compound.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from billing.bills.measures import Measure, Splits, measure
from billing.rating.compounds import AGGREGATION
from catalog import derived_fields, effective
from catalog.calculations import (
    AggregationNames,
    Calculation,
    CalculationRefused,
    Type,
    Value,
    compile_calculation,
)
from catalog.models import Aggregation, CompoundAggregation, Pricing
from organizations.kernel.among import Among

ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Reference:
    """An aggregation that a calculation refers to, under its key.

    Nothing is measured where the aggregation has lost the segment that is priced.
    """

    key: str
    name: str
    measure: Measure | None


@dataclass(frozen=True, slots=True)
class CompoundMeasure:
    """What a pricing of a compound measures: its calculation, or why that cannot be evaluated.

    ``defaults`` are the custom fields it refers to, with what the organization says of them.
    """

    name: str
    calculation: Calculation | None
    refusal: str
    evaluates_null: bool
    references: tuple[Reference, ...] = ()
    defaults: tuple[tuple[str, Value], ...] = ()

    @property
    def needs_account(self) -> bool:
        """Whether the account's code is among its values."""
        return self.calculation is not None and ACCOUNT in self.calculation.references

    @property
    def needs_lookup(self) -> bool:
        """Whether it asks lookup tables."""
        return self.calculation is not None and "Lookup." in self.calculation.text


@dataclass(slots=True)
class Compounds:
    """The compounds of some pricings by id, and the aggregations of all of them."""

    _compiled: dict[UUID, Calculation | str] = field(default_factory=dict)
    _aggregations: dict[UUID, Aggregation] = field(default_factory=dict)
    _defaults: dict[str, Any] = field(default_factory=dict)
    measures: list[CompoundMeasure] = field(default_factory=list)

    @classmethod
    def of(cls, organization_id: UUID, pricings: Iterable[Pricing]) -> "Compounds":
        """Read what the compounds of the pricings refer to."""
        rows = {
            row.compound_aggregation_id: row.compound_aggregation
            for row in pricings
            if row.compound_aggregation is not None
        }
        found = cls()
        if not rows:
            return found
        ids = {one for row in rows.values() for one in row.aggregation_ids}
        aggregations = Aggregation.objects.for_organization(organization_id).select_related("meter")
        found._aggregations = {row.pk: row for row in aggregations.filter(Among("id", ids))}
        defaults = derived_fields.custom_field_defaults(organization_id)
        found._defaults = {
            f"{entity}.{name}": value
            for entity, values in defaults.items()
            for name, value in values.items()
        }
        codes = [row.code for row in found._aggregations.values() if row.code]
        names = AggregationNames(codes, defaults)
        found._compiled = {row.pk: _compiled(row, names) for row in rows.values()}
        return found

    def measure(self, pricing: Pricing, splits: Splits) -> CompoundMeasure:
        """Return what the pricing of a compound measures (11.3, 11.5)."""
        compound = pricing.compound_aggregation
        calculation = self._compiled[compound.pk]
        if isinstance(calculation, str):
            made = CompoundMeasure(compound.name, None, calculation, False)
        else:
            made = CompoundMeasure(
                compound.name,
                calculation,
                "",
                compound.evaluate_null_aggregations,
                tuple(self._references(compound, calculation, pricing.segment, splits)),
                tuple(
                    (key, self._defaults[key])
                    for key in sorted(calculation.references)
                    if key in self._defaults
                ),
            )
        self.measures.append(made)
        return made

    def _references(
        self,
        compound: CompoundAggregation,
        calculation: Calculation,
        segment: dict[str, str],
        splits: Splits,
    ) -> Iterable[Reference]:
        known = (self._aggregations.get(one) for one in compound.aggregation_ids)
        by_key = {f"{AGGREGATION}{row.code}": row for row in known if row is not None}
        for key in sorted(calculation.references & by_key.keys()):
            row = by_key[key]
            yield Reference(key, row.name, _measure(row, segment, splits))


def _compiled(compound: CompoundAggregation, names: AggregationNames) -> Calculation | str:
    """Return the calculation, or why it is none any more: a default it needs was taken away."""
    try:
        return compile_calculation(compound.calculation, names, expects=Type.NUMBER)
    except CalculationRefused as refused:
        return str(refused)


def _measure(aggregation: Aggregation, segment: dict[str, str], splits: Splits) -> Measure | None:
    """Segmented aggregations give the value of the segment, others their whole value (11.5)."""
    if not segment or not aggregation.segments:
        return measure(aggregation, (), splits)
    if segment not in aggregation.segments:
        return None
    fields = aggregation.segmented_fields
    of_fields: effective.Segment = tuple((one, str(segment[one])) for one in fields)
    return measure(aggregation, of_fields, splits)
