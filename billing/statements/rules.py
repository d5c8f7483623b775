"""Rules of statement definitions: what a statement can be broken down by."""

from typing import Any

from billing.models import Account, StatementDefinition
from catalog.models import Meter
from organizations.kernel import ids, locking
from organizations.kernel.errors import FieldRefused, check_each
from organizations.models import OrganizationConfig

MOST_DIMENSIONS = 10
MOST_MEASURES = 20
MOST_AGGREGATIONS = 7


def check_definition(row: StatementDefinition) -> None:
    """Refuse meters and fields that are not there, and more than a statement can hold."""
    meters = {
        str(meter.pk): meter for meter in Meter.objects.for_organization(row.organization_id)
        .filter(pk__in=_meter_ids(row))
    }  # fmt: skip
    check_each(
        lambda: _check_count("dimensions", row.dimensions, MOST_DIMENSIONS),
        lambda: _check_count("measures", row.measures, MOST_MEASURES),
        *(
            lambda at=at, one=one: _check_dimension(f"dimensions[{at}]", one, meters)
            for at, one in enumerate(row.dimensions)
        ),
        *(
            lambda at=at, one=one: _check_measure(f"measures[{at}]", one, meters)
            for at, one in enumerate(row.measures)
        ),
    )


def _meter_ids(row: StatementDefinition) -> list[Any]:
    named = [one.get("meterId") for one in [*row.dimensions, *row.measures]]
    return [found for one in named if one and (found := ids.parse(one))]


def _check_count(name: str, rows: list[Any], most: int) -> None:
    if len(rows) > most:
        raise FieldRefused(name, f"at most {most}")


def _meter(at: str, one: dict[str, Any], meters: dict[str, Meter]) -> Meter | None:
    meter_id = one.get("meterId")
    if not meter_id:
        return None
    if meter_id not in meters:
        raise FieldRefused(f"{at}.meterId", "no such meter")
    return meters[meter_id]


def _check_dimension(at: str, one: dict[str, Any], meters: dict[str, Meter]) -> None:
    meter = _meter(at, one, meters)
    if meter is not None and one["name"] not in {each["code"] for each in meter.data_fields}:
        raise FieldRefused(f"{at}.name", f"the meter {meter.code} has no data field of this code")


def _check_measure(at: str, one: dict[str, Any], meters: dict[str, Meter]) -> None:
    meter = _meter(at, one, meters)
    codes = {each["code"] for each in [*meter.data_fields, *meter.derived_fields]} if meter else ()
    if meter is not None and one.get("name") and one["name"] not in codes:
        raise FieldRefused(f"{at}.name", f"the meter {meter.code} has no field of this code")
    if "CUSTOM_SQL" in (one.get("aggregations") or ()):
        raise FieldRefused(f"{at}.aggregations", "custom SQL is not supported")


def check_account(row: Account) -> None:
    """Refuse a definition that is not one of the organization's."""
    _check_known("statementDefinitionId", row.organization_id, row.statement_definition_id)


def check_config(row: OrganizationConfig) -> None:
    """The same of the organization's own."""
    _check_known(
        "defaultStatementDefinitionId", row.organization_id, row.default_statement_definition_id
    )


def _check_known(name: str, organization_id: Any, definition_id: Any) -> None:
    if definition_id is None:
        return
    known = StatementDefinition.objects.for_organization(organization_id)
    if not locking.held(known.filter(pk=definition_id)):
        raise FieldRefused(name, "no such statement definition")
