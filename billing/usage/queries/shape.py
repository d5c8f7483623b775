"""PURE: what can be asked of usage, and which questions make no sense (usage.md 13.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from organizations.kernel.errors import FieldRefused, check_each

MOST_ROWS = 20_000
MEASURE, DIMENSION = "MEASURE", "DIMENSION"
FUNCTIONS: dict[str, tuple[str, ...]] = {
    MEASURE: ("SUM", "MIN", "MAX", "COUNT", "LATEST", "MEAN"),
    DIMENSION: ("COUNT", "UNIQUE"),
}
ALL_FUNCTIONS = ("SUM", "MIN", "MAX", "COUNT", "LATEST", "MEAN", "UNIQUE")
ACCOUNT, TIME = "ACCOUNT", "TIME"
GROUP_TYPES = (ACCOUNT, DIMENSION, TIME)
FREQUENCIES = ("DAY", "HOUR", "WEEK", "MONTH", "QUARTER")


@dataclass(frozen=True, slots=True)
class Filter:
    """Leave the measurements of one meter whose field has one of the values."""

    meter_id: UUID
    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Aggregation:
    """What becomes of one field of one meter."""

    meter_id: UUID
    field: str
    kind: str
    function: str


@dataclass(frozen=True, slots=True)
class Group:
    """A row for each account, each piece of time, or each value of a field."""

    kind: str
    frequency: str = ""
    meter_id: UUID | None = None
    field: str = ""


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """One question; without meters or accounts it is about all of them."""

    start_at: datetime
    end_at: datetime
    meter_ids: tuple[UUID, ...] = ()
    account_ids: tuple[UUID, ...] = ()
    filters: tuple[Filter, ...] = ()
    aggregations: tuple[Aggregation, ...] = ()
    groups: tuple[Group, ...] = ()
    limit: int = MOST_ROWS


def read(wire: Mapping[str, Any], window: tuple[datetime, datetime] | None = None) -> UsageQuery:
    """Return the question as the wire says it; its shape is checked already.

    ``window`` stands in the place of its dates. Raises ``DomainError`` for a question without
    sense, with all its faults.
    """
    start_at, end_at = window or _dates(wire)
    asked = UsageQuery(
        start_at=start_at,
        end_at=end_at,
        meter_ids=tuple(_id(one) for one in wire.get("meterIds") or ()),
        account_ids=tuple(_id(one) for one in wire.get("accountIds") or ()),
        filters=tuple(
            Filter(_id(one["meterId"]), one["fieldCode"], tuple(one["values"]))
            for one in wire.get("dimensionFilters") or ()
        ),
        aggregations=tuple(
            Aggregation(_id(one["meterId"]), one["fieldCode"], one["fieldType"], one["function"])
            for one in wire.get("aggregations") or ()
        ),
        groups=tuple(_group(one) for one in wire.get("groups") or ()),
        limit=wire.get("limit") or MOST_ROWS,
    )
    check(asked)
    return asked


def check(asked: UsageQuery) -> None:
    """Refuse what makes no sense whatever the meters are."""
    check_each(
        lambda: _check_window(asked),
        lambda: _check_groups_have_aggregations(asked),
        *(
            partial(_check_function, f"aggregations[{place}]", one)
            for place, one in enumerate(asked.aggregations)
        ),
        *(
            partial(_check_group, f"groups[{place}]", one, asked.groups[:place])
            for place, one in enumerate(asked.groups)
        ),
        *(
            partial(_check_said_once, f"aggregations[{place}]", one, asked.aggregations[:place])
            for place, one in enumerate(asked.aggregations)
        ),
        *(partial(_check_chosen, asked, place) for place in range(len(asked.aggregations))),
    )


def _dates(wire: Mapping[str, Any]) -> tuple[datetime, datetime]:
    def needed(name: str) -> None:
        if not wire.get(name):
            raise FieldRefused(name, "is required")

    check_each(lambda: needed("startDate"), lambda: needed("endDate"))
    return _instant(wire["startDate"]), _instant(wire["endDate"])


def _instant(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def _id(value: Any) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)


def _group(wire: Mapping[str, Any]) -> Group:
    kind = wire["groupType"]
    meter = wire.get("meterId") if kind == DIMENSION else None
    return Group(
        kind,
        (wire.get("frequency") or "") if kind == TIME else "",
        _id(meter) if meter else None,
        (wire.get("fieldCode") or "") if kind == DIMENSION else "",
    )


def _check_window(asked: UsageQuery) -> None:
    if asked.end_at <= asked.start_at:
        raise FieldRefused("endDate", "must be after startDate")


def _check_groups_have_aggregations(asked: UsageQuery) -> None:
    if asked.groups and not asked.aggregations:
        raise FieldRefused("groups", "work only together with aggregations")


def _check_function(where: str, one: Aggregation) -> None:
    if one.function not in FUNCTIONS[one.kind]:
        allowed = ", ".join(FUNCTIONS[one.kind])
        raise FieldRefused(f"{where}.function", f"of a {one.kind} must be one of {allowed}")


def _check_group(where: str, one: Group, before: tuple[Group, ...]) -> None:
    if one.kind == TIME and not one.frequency:
        raise FieldRefused(f"{where}.frequency", "is required")
    if one.kind == DIMENSION and one.meter_id is None:
        raise FieldRefused(f"{where}.meterId", "is required")
    if one.kind == DIMENSION and not one.field:
        raise FieldRefused(f"{where}.fieldCode", "is required")
    if one.kind == TIME and any(other.kind == TIME for other in before):
        raise FieldRefused(where, "time can be grouped once only")
    if one in before:
        raise FieldRefused(where, "is asked for twice")


def _check_said_once(where: str, one: Aggregation, before: tuple[Aggregation, ...]) -> None:
    if one in before:
        raise FieldRefused(where, "is asked for twice")


def _check_chosen(asked: UsageQuery, place: int) -> None:
    if asked.meter_ids and asked.aggregations[place].meter_id not in asked.meter_ids:
        raise FieldRefused(f"aggregations[{place}].meterId", "is not among meterIds")
