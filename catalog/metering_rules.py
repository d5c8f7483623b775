"""Rules of meters and aggregations (usage.md 2, 9, 10)."""

from functools import partial
from typing import Any

from django.conf import settings

from catalog import custom_sql, derived_fields
from catalog.calculations import CalculationRefused, MeasurementNames
from catalog.models import NUMERIC_CATEGORIES, Aggregation, AggregationMethod, FieldCategory, Meter
from organizations.kernel import ids, locking
from organizations.kernel.errors import FieldRefused, check_each

NUMERIC_METHODS = {"SUM", "MIN", "MAX", "LATEST", "MEAN"}
SEGMENT_CATEGORIES = {"WHO", "WHAT", "WHERE", "OTHER"}
MAX_SEGMENTS = 1000
MAX_FIELDS = 15


def check_meter(meter: Meter) -> None:
    """Refuse field lists that break 2.1-2.2, and changes a live aggregation forbids (2.6)."""
    stored = Meter.objects.filter(pk=meter.pk).first()
    check_each(
        lambda: _check_size(meter),
        lambda: _check_fields("dataFields", meter.data_fields, []),
        lambda: _check_fields("derivedFields", meter.derived_fields, meter.data_fields),
        lambda: _check_calculations(meter) if meter.derived_fields else None,
        lambda: _check_change(stored, meter) if stored is not None else None,
    )


def _check_size(meter: Meter) -> None:
    if not 1 <= len(meter.data_fields) <= MAX_FIELDS:
        raise FieldRefused("dataFields", f"1 to {MAX_FIELDS} data fields are needed")
    if len(meter.derived_fields) > MAX_FIELDS:
        raise FieldRefused("derivedFields", f"at most {MAX_FIELDS} derived fields")


def _check_fields(where: str, fields: list[dict[str, Any]], others: list[dict[str, Any]]) -> None:
    """Data and derived fields share one set of codes (2.2.2)."""
    codes = [field["code"] for field in others]
    codes += [field["code"] for field in fields]
    check_each(
        *(
            partial(_check_field, f"{where}[{position}]", field, codes[: len(others) + position])
            for position, field in enumerate(fields)
        )
    )


def _check_calculations(meter: Meter) -> None:
    """Refuse calculations that cannot be read or refer to what is not there (7, 8)."""
    defaults = derived_fields.custom_field_defaults(meter.organization_id)
    names = derived_fields.names(meter.data_fields, defaults)
    check_each(
        *(
            partial(_check_calculation, f"derivedFields[{position}].calculation", field, names)
            for position, field in enumerate(meter.derived_fields)
        )
    )


def _check_calculation(at: str, field: dict[str, Any], names: MeasurementNames) -> None:
    try:
        derived_fields.compiled(field, names)
    except CalculationRefused as refused:
        raise FieldRefused(at, str(refused)) from refused


def _check_field(at: str, field: dict[str, Any], before: list[str]) -> None:
    if field["code"] in before:
        raise FieldRefused(f"{at}.code", f"{field['code']} is used twice on this meter")
    if not ids.is_strict_code(field["code"]):
        raise FieldRefused(f"{at}.code", "may hold only letters, digits, _ and $")
    if field["category"] in NUMERIC_CATEGORIES and not field.get("unit"):
        raise FieldRefused(f"{at}.unit", "a numeric field needs a unit")


def _check_change(stored: Meter, meter: Meter) -> None:
    before, after = _categories(stored), _categories(meter)
    for aggregation in stored.aggregations.all():
        used = {aggregation.target_field, *aggregation.segmented_fields}
        for code in sorted(used & before.keys()):
            if code not in after:
                raise FieldRefused(
                    _list_of(stored, code), f"{code} is used by aggregation {aggregation.name}"
                )
        if stored.product_id != meter.product_id:
            raise FieldRefused(
                "productId", f"cannot change: aggregation {aggregation.name} uses the meter"
            )
    for code in sorted(before.keys() & after.keys()):
        if (before[code] in NUMERIC_CATEGORIES) != (after[code] in NUMERIC_CATEGORIES):
            raise FieldRefused(
                _list_of(meter, code),
                f"{code}: a numeric field cannot become a text field or the reverse",
            )


def _categories(meter: Meter) -> dict[str, str]:
    return {
        field["code"]: field["category"] for field in [*meter.data_fields, *meter.derived_fields]
    }


def _list_of(meter: Meter, code: str) -> str:
    is_data = any(field["code"] == code for field in meter.data_fields)
    return "dataFields" if is_data else "derivedFields"


def check_aggregation(aggregation: Aggregation) -> None:
    """Refuse a target or method that does not fit the meter (9.1, 9.3), and bad segments (10)."""
    # Held: until this is saved nobody takes a field away from the meter.
    meter = locking.current(aggregation.meter)
    categories = _categories(meter)
    check_each(
        lambda: _check_target(aggregation, categories),
        lambda: _check_segments(aggregation, categories),
        lambda: _check_priced(aggregation),
        lambda: _check_quantities(aggregation),
        lambda: _check_custom_sql(aggregation),
    )


def _check_custom_sql(aggregation: Aggregation) -> None:
    """A query only where it is the method, and only where the installation allows it (9.8)."""
    aggregation.custom_sql = aggregation.custom_sql or None
    if aggregation.aggregation != AggregationMethod.CUSTOM_SQL:
        if aggregation.custom_sql:
            raise FieldRefused("customSql", "goes with aggregation CUSTOM_SQL only")
        return
    if not settings.ALLOWS_CUSTOM_SQL:
        raise FieldRefused(
            "aggregation", "CUSTOM_SQL is turned off in this installation (setting CUSTOM_SQL)"
        )
    if not aggregation.custom_sql:
        raise FieldRefused("customSql", "is needed with aggregation CUSTOM_SQL")
    try:
        custom_sql.checked(aggregation.custom_sql)
    except custom_sql.QueryRefused as refused:
        raise FieldRefused("customSql", str(refused)) from refused


def _check_quantities(aggregation: Aggregation) -> None:
    if aggregation.quantity_per_unit <= 0:
        raise FieldRefused("quantityPerUnit", "must be greater than 0")
    if aggregation.default_value is not None and aggregation.default_value < 0:
        raise FieldRefused("defaultValue", "must be at least 0")


def _check_target(aggregation: Aggregation, categories: dict[str, str]) -> None:
    category = categories.get(aggregation.target_field)
    if category is None:
        raise FieldRefused("targetField", f"the meter has no field {aggregation.target_field}")
    is_numeric = category in NUMERIC_CATEGORIES
    if aggregation.aggregation in NUMERIC_METHODS and not is_numeric:
        raise FieldRefused("aggregation", f"{aggregation.aggregation} needs a numeric field")
    if aggregation.aggregation == AggregationMethod.UNIQUE and is_numeric:
        raise FieldRefused("aggregation", "UNIQUE needs a text field")


def _check_segments(aggregation: Aggregation, categories: dict[str, str]) -> None:
    fields, segments = aggregation.segmented_fields, aggregation.segments
    if bool(fields) != bool(segments):
        missing = "segments" if fields else "segmentedFields"
        raise FieldRefused(missing, "segmentedFields and segments are given together")
    if len(fields) > 5 or len(set(fields)) != len(fields):
        raise FieldRefused("segmentedFields", "at most 5 different fields")
    for position, code in enumerate(fields):
        if categories.get(code) not in SEGMENT_CATEGORIES:
            raise FieldRefused(
                f"segmentedFields[{position}]", f"{code} is no WHO, WHAT, WHERE or OTHER field"
            )
    if len(segments) > MAX_SEGMENTS:
        raise FieldRefused("segments", f"at most {MAX_SEGMENTS} segments")
    check_each(
        *(partial(_check_segment, aggregation, position) for position in range(len(segments)))
    )


def _check_segment(aggregation: Aggregation, position: int) -> None:
    segment, before = aggregation.segments[position], aggregation.segments[:position]
    if set(segment) != set(aggregation.segmented_fields):
        raise FieldRefused(
            f"segments[{position}]", "needs a value for each segmented field and no other"
        )
    if segment in before:
        raise FieldRefused(f"segments[{position}]", "is given twice")


def _check_priced(aggregation: Aggregation) -> None:
    """A segment that is priced stays; a priced aggregation stays on its product's meters."""
    stored = Aggregation.objects.filter(pk=aggregation.pk).first()
    if stored is None:
        return
    if aggregation.segments and stored.pricings.filter(segment={}).exists():
        raise FieldRefused(
            "segments", "the aggregation is priced as a whole; make another for segments"
        )
    for pricing in stored.pricings.exclude(segment={}):
        if pricing.segment not in aggregation.segments:
            raise FieldRefused("segments", f"segment {pricing.segment_key} is priced")
    if stored.meter_id != aggregation.meter_id and stored.pricings.exists():
        raise FieldRefused("meterId", "cannot change while the aggregation is priced")


CATEGORIES = tuple(FieldCategory.values)
