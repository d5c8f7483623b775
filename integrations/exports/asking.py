"""What an export may ask for, and who may ask for it (D2, D3, A5.12)."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from billing.models import Account
from catalog.models import Meter
from integrations.exports.operational import KINDS
from integrations.models import ExportDestination, ExportSource
from organizations.access import Rights
from organizations.kernel import ids
from organizations.kernel.errors import FieldRefused, check_each

OF_USAGE = ("meterIds", "accountIds", "dimensionFilters", "aggregations", "groups")
NEEDS = {
    ExportSource.OPERATIONAL: ("config:export", "config:exportJob"),
    ExportSource.USAGE: ("measurements:export", "data:measurement"),
}
NUMERIC = {"MEASURE", "INCOME", "COST"}
FUNCTIONS = {
    "MEASURE": {"SUM", "MIN", "MAX", "COUNT", "LATEST", "MEAN"},
    "DIMENSION": {"COUNT", "UNIQUE"},
}


def require(rights: Rights, source: str) -> None:
    """Raise ``Forbidden`` unless one may export this kind of data."""
    rights.require(*NEEDS[ExportSource(source)])


def check(organization_id: UUID, source: str, asked: dict[str, Any]) -> None:
    """Refuse settings that name what is not there or do not fit together."""
    check_each(*_rules(organization_id, source, asked))


def _rules(
    organization_id: UUID, source: str, asked: dict[str, Any]
) -> Sequence[Callable[[], None]]:
    found = partial(_check_ids, organization_id, asked)
    rules = [partial(found, "destinationIds", ExportDestination, "destination")]
    if source == ExportSource.OPERATIONAL:
        refused = [name for name in OF_USAGE if asked.get(name)]
        return [*rules, *(partial(_only_of_usage, name) for name in refused),
                partial(_check_types, asked)]  # fmt: skip
    fields = _Fields(organization_id)
    return [
        *rules,
        partial(found, "meterIds", Meter, "meter"),
        partial(found, "accountIds", Account, "account"),
        partial(_check_no_types, asked),
        partial(_check_filters, fields, asked),
        partial(_check_aggregations, fields, asked),
        partial(_check_groups, fields, asked),
    ]


def check_days(start: datetime | None, end: datetime | None, at: datetime) -> None:
    """Refuse days of usage that are missing, the wrong way round or to come."""
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    check_each(
        partial(_needed, "startDate", start),
        partial(_needed, "endDate", end),
        partial(_check_end, start, end, midnight),
    )


def _check_end(start: datetime | None, end: datetime | None, midnight: datetime) -> None:
    if end is None:
        return
    if start is not None and end <= start:
        raise FieldRefused("endDate", "must be after startDate")
    if end > midnight:
        raise FieldRefused("endDate", "must not be later than tomorrow 00:00 UTC")


def _needed(name: str, value: object) -> None:
    if value is None:
        raise FieldRefused(name, "is needed for an export of usage")


def _only_of_usage(name: str) -> None:
    raise FieldRefused(name, "is only for exports of usage")


def _check_types(asked: dict[str, Any]) -> None:
    types = asked.get("operationalDataTypes") or ()
    if not types:
        raise FieldRefused("operationalDataTypes", "at least one is needed")
    if unknown := [one for one in types if one not in KINDS]:
        raise FieldRefused("operationalDataTypes", f"there is no type {unknown[0]}")
    if len(set(types)) < len(types):
        raise FieldRefused("operationalDataTypes", "names a type twice")


def _check_no_types(asked: dict[str, Any]) -> None:
    if asked.get("operationalDataTypes"):
        raise FieldRefused("operationalDataTypes", "is only for exports of operational data")


def _check_ids(
    organization_id: UUID, asked: dict[str, Any], name: str, model: Any, word: str
) -> None:
    wanted = {ids.parse(one) for one in asked.get(name) or ()}
    rows = model.objects.for_organization(organization_id).filter(pk__in=wanted - {None})
    if rows.count() < len(wanted):
        there = set(rows.values_list("pk", flat=True))
        gone = next(one for one in asked[name] if ids.parse(one) not in there)
        raise FieldRefused(name, f"there is no {word} {gone}")


class _Fields:
    """The categories of the fields of meters, read once."""

    def __init__(self, organization_id: UUID) -> None:
        self.organization_id = organization_id
        self.known: dict[UUID | None, dict[str, str]] = {}

    def category(self, place: str, given: dict[str, Any]) -> str:
        """Return the category of a meter's field; refuses one that is not there."""
        key = ids.parse(given.get("meterId"))
        if key not in self.known:
            rows = Meter.objects.for_organization(self.organization_id)
            meter = rows.filter(pk=key).first() if key else None
            if meter is None:
                raise FieldRefused(f"{place}.meterId", f"there is no meter {given.get('meterId')}")
            self.known[key] = {
                one["code"]: one["category"] for one in [*meter.data_fields, *meter.derived_fields]
            }
        code = given.get("fieldCode")
        if code not in self.known[key]:
            raise FieldRefused(f"{place}.fieldCode", f"the meter has no field {code}")
        return self.known[key][code]


def _check_filters(fields: _Fields, asked: dict[str, Any]) -> None:
    for place, one in enumerate(asked.get("dimensionFilters") or ()):
        category = fields.category(f"dimensionFilters[{place}]", one)
        if category in NUMERIC or category == "METADATA":
            raise FieldRefused(
                f"dimensionFilters[{place}].fieldCode",
                "is a number or metadata; only text fields can be filtered by",
            )


def _check_aggregations(fields: _Fields, asked: dict[str, Any]) -> None:
    for place, one in enumerate(asked.get("aggregations") or ()):
        at = f"aggregations[{place}]"
        category = fields.category(at, one)
        kind = "MEASURE" if category in NUMERIC else "DIMENSION"
        if one["fieldType"] != kind:
            raise FieldRefused(f"{at}.fieldType", f"the field is a {kind.lower()}")
        if one["function"] not in FUNCTIONS[kind]:
            allowed = ", ".join(sorted(FUNCTIONS[kind]))
            raise FieldRefused(f"{at}.function", f"of a {kind.lower()} must be one of {allowed}")


def _check_groups(fields: _Fields, asked: dict[str, Any]) -> None:
    groups = asked.get("groups") or ()
    if groups and not asked.get("aggregations"):
        raise FieldRefused("groups", "need aggregations")
    for place, one in enumerate(groups):
        if one["groupType"] == "TIME" and not one.get("frequency"):
            raise FieldRefused(f"groups[{place}].frequency", "is needed to group by time")
        if one["groupType"] == "DIMENSION":
            fields.category(f"groups[{place}]", one)
