"""Derived fields of meters: which names their calculations may use, and how they are compiled.

Shared by the rules of meters, by ingest and by the console, so that what one accepts the others
can evaluate (usage.md 2.5, 7.6, 7.7, 8).
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from catalog.calculations import Calculation, MeasurementNames, Type, compile_calculation
from catalog.models import NUMERIC_CATEGORIES
from organizations.models import CustomFieldDefaults

DEFAULTS_OF = {
    "organization": "for_organization",
    "product": "for_product",
    "planTemplate": "for_plan_template",
    "plan": "for_plan",
    "meter": "for_meter",
    "account": "for_account",
    "accountPlan": "for_account_plan",
    "contract": "for_contract",
}


def custom_field_defaults(organization_id: UUID) -> dict[str, dict[str, Any]]:
    """Return the organization's custom fields with their defaults, by entity as written."""
    row = CustomFieldDefaults.objects.for_organization(organization_id).first()
    if row is None:
        return {}
    return {entity: getattr(row, column) for entity, column in DEFAULTS_OF.items()}


def names(
    data_fields: Iterable[Mapping[str, Any]], defaults: Mapping[str, Mapping[str, Any]]
) -> MeasurementNames:
    """Return the names that calculations of a meter with these data fields may use."""
    types = {field["code"]: type_of(field["category"]) for field in data_fields}
    return MeasurementNames(types, defaults)


def type_of(category: str) -> Type:
    """Return the type of the values of a category."""
    return Type.NUMBER if category in NUMERIC_CATEGORIES else Type.TEXT


def compiled(field: Mapping[str, Any], among: MeasurementNames) -> Calculation:
    """Return the calculation of a derived field; raises ``CalculationRefused``."""
    return compile_calculation(field["calculation"], among, expects=type_of(field["category"]))
