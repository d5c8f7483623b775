"""Evaluate derived fields: once, when the measurement arrives, and never again (usage.md 8).

Meters whose calculations need nothing but the measurement, the organization's defaults and the
meter's own custom fields are derived without a query; for the others what a batch needs is read
at once.
"""

import decimal
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any
from uuid import UUID

from billing.models import IngestFailureType
from billing.usage.custom_values import CustomValues
from billing.usage.derivations import Derivation, DerivedField
from billing.usage.enrichment import Enriched, Failure
from billing.usage.reception import METADATA_LENGTH, NUMBERS
from catalog.calculations import CalculationFailed, Lookup, Scope, Value
from catalog.calculations.dates import milliseconds
from catalog.lookups.published import NeedsQuery, Remembered, Tables


def derive_without_queries(enriched: Iterable[Enriched], tables: Tables) -> bool:
    """Add the derived values; returns False where a query is needed or a calculation fails."""
    lookup = Remembered(tables)
    for one in enriched:
        derivation = one.meter.derivation
        if derivation is None:
            continue
        if derivation.from_rows:
            return False
        try:
            if _derive(one, derivation, {}, lookup):
                return False
        except NeedsQuery:
            return False
    return True


def derive(organization_id: UUID, enriched: Sequence[Enriched], lookup: Lookup) -> list[Failure]:
    """Add the derived values to the measurements; returns a failure per field that has none."""
    derived = [one for one in enriched if one.meter.derivation is not None]
    if not derived:
        return []
    rows = CustomValues.of(organization_id, derived)
    failures: list[Failure] = []
    for one in derived:
        derivation = one.meter.derivation
        values = rows.values(one) if derivation.from_rows else {}
        failures += _derive(one, derivation, values, lookup)
    return failures


def lookup_of(organization_id: UUID) -> Lookup:
    """Return the organization's lookup tables as they are now, for one run or one question."""
    return Tables(organization_id)


def _derive(
    one: Enriched,
    derivation: Derivation,
    custom: Mapping[str, Value],
    lookup: Lookup | None,
) -> list[Failure]:
    """Evaluate all fields against the data fields, then add the results to them."""
    data = one.values
    known: Mapping[str, Value] = data
    if derivation.fixed or derivation.times or derivation.needs_account:
        account = {"account": one.received.item.account}
        times = _times(one, derivation)
        # A data field wins over a reserved name (usage.md 7.7).
        known = {**account, **derivation.fixed, **custom, **times, **data}
    scope = Scope(known, zone=derivation.zone, lookup=lookup)
    results, failures = [], []
    for field in derivation.fields:
        try:
            value = _value(field, scope)
        except CalculationFailed as error:
            failures.append(_failure(one, field, str(error)))
        else:
            if value is not None:
                results.append((field.code, value))
    data.update(results)
    return failures


def _value(field: DerivedField, scope: Scope) -> Any:
    """Return a result that can be stored; raises ``CalculationFailed``."""
    if field.calculation is None:
        raise CalculationFailed(field.refusal)
    value = field.calculation.evaluate(scope)
    if isinstance(value, Decimal):
        try:
            return NUMBERS.plus(value)
        except decimal.DecimalException:
            raise CalculationFailed(
                "the result must be smaller than 1e20, with at most 38 digits"
            ) from None
    if isinstance(value, str):
        if field.is_metadata and len(value) > METADATA_LENGTH:
            raise CalculationFailed(f"the result has more than {METADATA_LENGTH} characters")
        if "\0" in value:
            raise CalculationFailed("the result contains NUL")
    return value


def _failure(one: Enriched, field: DerivedField, reason: str) -> Failure:
    message = f"Derived field {field.code}: {reason}."
    return Failure(IngestFailureType.CalculationError, message, [one.received.item])


def _times(one: Enriched, derivation: Derivation) -> dict[str, Value]:
    """Return the times that the calculations refer to (usage.md 8.5)."""
    if not derivation.times:
        return {}
    ts, ets = one.received.ts, one.received.ets
    found: dict[str, Value] = {}
    for key in derivation.times:
        if key == "duration":
            found[key] = None if ets is None else milliseconds(ets) - milliseconds(ts)
            continue
        which, _, part = key.partition(".")
        at = ts if which == "ts" else ets
        found[key] = None if at is None else _part(at, part, derivation.zone)
    return found


def _part(at: datetime, part: str, zone: tzinfo) -> Decimal:
    if not part:
        return milliseconds(at)
    local = at.astimezone(zone)
    return Decimal(_PARTS[part](local))


_PARTS = {
    "hour": lambda at: at.hour,
    "minute": lambda at: at.minute,
    "dayOfWeek": lambda at: at.isoweekday(),
    "dayOfMonth": lambda at: at.day,
    "month": lambda at: at.month,
    "year": lambda at: at.year,
}
