"""Hold a question against the meters and accounts there are, and those the caller may see.

The right to ask comes from ``analytics:usage`` alone; meters and accounts that a policy denies are
left out of every answer, and named in a question they do not exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from billing.models import Account
from billing.usage.queries import shape
from billing.usage.queries.shape import Aggregation, UsageQuery
from catalog.models import NUMERIC_CATEGORIES, Meter
from organizations.access import Rights
from organizations.kernel.errors import FieldRefused, check_each

NOT_A_FILTER = "METADATA"
JOB, USAGE = "config:analyticsJob", "analytics:usage"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the meters it looks at; ``account_ids`` None means all accounts."""

    query: UsageQuery
    meters: dict[UUID, Meter]
    account_ids: Sequence[UUID] | None


def resolve(organization_id: UUID, query: UsageQuery, rights: Rights | None) -> Asked:
    """Return the question with its meters and accounts; raises ``DomainError`` with all faults.

    Without ``rights`` everything of the organization is seen.
    """
    meters = _meters(organization_id, rights)
    check_each(
        *_checks(query, meters),
        lambda: _check_accounts(organization_id, query, rights),
    )
    wanted = _looked_at(query) or set(meters)
    return Asked(
        query,
        {pk: meter for pk, meter in meters.items() if pk in wanted},
        _accounts(organization_id, query, rights),
    )


def categories(meter: Meter) -> dict[str, str]:
    """Return the category of each field of a meter, derived ones included."""
    return {one["code"]: one["category"] for one in [*meter.data_fields, *meter.derived_fields]}


def _looked_at(query: UsageQuery) -> set[UUID]:
    if query.aggregations:
        return {one.meter_id for one in query.aggregations}
    return set(query.meter_ids)


def _meters(organization_id: UUID, rights: Rights | None) -> dict[UUID, Meter]:
    rows = Meter.objects.for_organization(organization_id)
    if rights is not None:
        rows = rights.not_denied(rows, "config:retrieve", "config:meter")
    return {row.pk: row for row in rows.order_by("name", "pk")}


def _readable_accounts(organization_id: UUID, rights: Rights | None):  # type: ignore[no-untyped-def]
    rows = Account.objects.for_organization(organization_id)
    if rights is None:
        return rows
    return rights.not_denied(rows, "config:retrieve", "config:account")


def _accounts(
    organization_id: UUID, query: UsageQuery, rights: Rights | None
) -> Sequence[UUID] | None:
    if query.account_ids:
        return query.account_ids
    if rights is None or not rights.denies_some("config:retrieve", "config:account"):
        return None
    return list(_readable_accounts(organization_id, rights).values_list("pk", flat=True))


def _check_accounts(organization_id: UUID, query: UsageQuery, rights: Rights | None) -> None:
    if not query.account_ids:
        return
    rows = _readable_accounts(organization_id, rights)
    known = set(rows.filter(pk__in=query.account_ids).values_list("pk", flat=True))
    _check_known("accountIds", "account", query.account_ids, known)


def _check_known(where: str, kind: str, ids: Iterable[UUID], known: Iterable[UUID]) -> None:
    check_each(
        *(
            partial(_refuse, f"{where}[{place}]", f"no such {kind}")
            for place, one in enumerate(ids)
            if one not in known
        )
    )


def _refuse(where: str, message: str) -> None:
    raise FieldRefused(where, message)


def _checks(query: UsageQuery, meters: dict[UUID, Meter]):  # type: ignore[no-untyped-def]
    yield lambda: _check_known("meterIds", "meter", query.meter_ids, meters)
    for place, one in enumerate(query.filters):
        where = f"dimensionFilters[{place}]"
        yield partial(_check_text, where, one.meter_id, one.field, meters, is_filter=True)
    for place, aggregation in enumerate(query.aggregations):
        yield partial(_check_aggregation, f"aggregations[{place}]", aggregation, meters)
    for place, group in enumerate(query.groups):
        if group.meter_id is not None:
            where = f"groups[{place}]"
            yield partial(_check_text, where, group.meter_id, group.field, meters)


def _category(where: str, meter_id: UUID, code: str, meters: dict[UUID, Meter]) -> str:
    meter = meters.get(meter_id)
    if meter is None:
        raise FieldRefused(f"{where}.meterId", "no such meter")
    category = categories(meter).get(code)
    if category is None:
        raise FieldRefused(f"{where}.fieldCode", "the meter has no such field")
    return category


def _check_text(
    where: str, meter_id: UUID, code: str, meters: dict[UUID, Meter], *, is_filter: bool = False
) -> None:
    category = _category(where, meter_id, code, meters)
    if category in NUMERIC_CATEGORIES:
        raise FieldRefused(f"{where}.fieldCode", "is a number, not a dimension")
    if is_filter and category == NOT_A_FILTER:
        raise FieldRefused(f"{where}.fieldCode", "is metadata, by which nothing can be filtered")


def _check_aggregation(where: str, one: Aggregation, meters: dict[UUID, Meter]) -> None:
    category = _category(where, one.meter_id, one.field, meters)
    kind = shape.MEASURE if category in NUMERIC_CATEGORIES else shape.DIMENSION
    if one.kind != kind:
        raise FieldRefused(f"{where}.fieldType", f"must be {kind}: the field is {category}")


def may_ask(rights: Rights) -> bool:
    """Return whether the caller may ask anything of usage (A5.12)."""
    return all(rights.allows(action, JOB) for action in ("config:create", "config:retrieve")) and (
        rights.allows("config:retrieve", USAGE) or rights.allows("analytics:query", USAGE)
    )
