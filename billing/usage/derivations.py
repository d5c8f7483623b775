"""What is derived of a meter's measurements: its calculations, compiled, and what they refer to.

Remembered with the meter. What a calculation refers to is known from its text, so only that is
prepared for a measurement.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any
from uuid import UUID

from catalog import derived_fields
from catalog.calculations import Calculation, CalculationRefused, MeasurementNames, Value
from catalog.models import Meter

# Entities whose custom fields may differ from one measurement of a meter to the next.
FROM_ROWS = ("account.", "product.", "plan.", "planTemplate.", "accountPlan.")
TIMES = ("ts", "ets", "duration")


@dataclass(frozen=True, slots=True)
class DerivedField:
    """A field and its calculation, or why it cannot be evaluated any more."""

    code: str
    is_metadata: bool
    calculation: Calculation | None
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Derivation:
    """The derived fields of a meter, ready to be evaluated.

    ``fixed`` are custom fields whose values are the same for each of its measurements; ``times``
    and ``from_rows`` are the other references that are not data fields.
    """

    fields: tuple[DerivedField, ...]
    product_id: UUID | None
    zone: tzinfo
    fixed: Mapping[str, Value]
    times: frozenset[str]
    from_rows: frozenset[str]
    needs_account: bool
    needs_lookup: bool


def prepare(
    meter: Meter, defaults: Mapping[str, Mapping[str, Any]], zone: tzinfo
) -> Derivation | None:
    """Return what is derived of a meter's measurements, None where nothing is."""
    if not meter.derived_fields:
        return None
    names = derived_fields.names(meter.data_fields, defaults)
    fields = tuple(_field(field, names) for field in meter.derived_fields)
    calculations = [field.calculation for field in fields if field.calculation]
    used = {key for calculation in calculations for key in calculation.references}
    used -= {field["code"] for field in meter.data_fields}
    fixed = {
        f"{entity}.{name}": value
        for entity, values in defaults.items()
        for name, value in values.items()
    }
    own = {f"meter.{name}": value for name, value in meter.custom_fields.items()}
    return Derivation(
        fields,
        meter.product_id,
        zone,
        {key: own.get(key, value) for key, value in fixed.items() if key in used},
        frozenset(key for key in used if key.partition(".")[0] in TIMES),
        frozenset(key for key in used if key.startswith(FROM_ROWS)),
        "account" in used,
        any("Lookup." in calculation.text for calculation in calculations),
    )


def _field(field: Mapping[str, Any], names: MeasurementNames) -> DerivedField:
    is_metadata = field["category"] == "METADATA"
    try:
        calculation = derived_fields.compiled(field, names)
    except CalculationRefused as refused:  # a default it needs was taken away
        return DerivedField(field["code"], is_metadata, None, str(refused))
    return DerivedField(field["code"], is_metadata, calculation)
