"""Answer questions about usage with rows of plain values (usage.md 13.1).

A raw row has what every measurement has and a key for each field of its meter. An aggregated row
has its groups and ``<field>_<FUNCTION>``. Two columns of one name, and fields that are called as a
column of ours is, have the meter's code before them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings

from billing.models import Account
from billing.usage.queries import checking
from billing.usage.queries.checking import Asked
from billing.usage.queries.shape import ACCOUNT, DIMENSION, TIME, Aggregation, UsageQuery
from billing.usage.store import usage_queries as store
from organizations.access import Rights
from organizations.kernel import exact_json
from organizations.kernel.errors import DomainError
from organizations.kernel.money import CONTEXT
from organizations.kernel.zones import zone_of

OF_A_MEASUREMENT = (
    "meterId", "meterCode", "accountId", "accountCode", "uid", "timestamp", "endTimestamp",
    "receivedAt",
)  # fmt: skip
ROWS_AT_ONCE = 500
Row = dict[str, Any]


class QueryTooSlow(DomainError):
    """The database was stopped: too much is asked at once."""

    code = "QUERY_TOO_SLOW"

    def __init__(self) -> None:
        super().__init__(
            f"This query takes longer than {settings.USAGE_QUERY_SECONDS} seconds. Ask for a "
            "shorter time, or for fewer meters or accounts."
        )


@dataclass(slots=True)
class Answer:
    """What was found: rows made one by one as they are read, and whether there are more."""

    columns: list[str]
    has_more: bool
    found: list[tuple[Any, ...]] = field(repr=False)
    maker: Any = field(repr=False)

    def rows(self) -> Iterator[Row]:
        """Yield the rows."""
        return (self.maker(one) for one in self.found)


def run(organization_id: UUID, query: UsageQuery, *, rights: Rights | None) -> Answer:
    """Answer a question with what the caller may see; raises ``DomainError``."""
    asked = checking.resolve(organization_id, query, rights)
    try:
        if query.aggregations:
            return _aggregated(organization_id, asked)
        return _raw(organization_id, asked)
    except store.TooSlow as error:
        raise QueryTooSlow from error


def _window(organization_id: UUID, asked: Asked) -> store.Window:
    filters: dict[UUID, tuple[tuple[str, tuple[str, ...]], ...]] = {}
    for one in asked.query.filters:
        filters[one.meter_id] = (*filters.get(one.meter_id, ()), (one.field, one.values))
    query = asked.query
    return store.Window(organization_id, query.start_at, query.end_at, asked.account_ids, filters)


def written(answer: Answer) -> Iterator[bytes]:
    """Yield the answer as JSON, some hundred rows at a time."""
    yield b'{"data":['
    part: list[bytes] = []
    is_first = True
    for row in answer.rows():
        part.append(exact_json.dumps(row))
        if len(part) == ROWS_AT_ONCE:
            yield (b"" if is_first else b",") + b",".join(part)
            part, is_first = [], False
    if part:
        yield (b"" if is_first else b",") + b",".join(part)
    yield b'],"hasMoreData":' + (b"true}" if answer.has_more else b"false}")


# Raw measurements ------------------------------------------------------------------------------


def _raw(organization_id: UUID, asked: Asked) -> Answer:
    limit = asked.query.limit
    window = _window(organization_id, asked)
    found = store.raw(
        window, list(asked.meters), limit=limit + 1, seconds=settings.USAGE_QUERY_SECONDS
    )
    has_more, found = len(found) > limit, found[:limit]
    codes = _account_codes(organization_id, {row[1] for row in found})
    names = {
        pk: [
            (code, _own(code, meter.code, OF_A_MEASUREMENT)) for code in checking.categories(meter)
        ]
        for pk, meter in asked.meters.items()
    }

    def made(row: tuple[Any, ...]) -> Row:
        meter_id, account_id, uid, ts, ets, received_at, fields = row
        values = exact_json.loads(fields)
        return {
            "meterId": meter_id,
            "meterCode": asked.meters[meter_id].code,
            "accountId": account_id,
            "accountCode": codes.get(account_id),
            "uid": uid,
            "timestamp": ts,
            "endTimestamp": ets,
            "receivedAt": received_at,
            **{name: values.get(code) for code, name in names[meter_id]},
        }

    there = {row[0] for row in found}
    of_fields = [name for pk in asked.meters if pk in there for _, name in names[pk]]
    columns = [*OF_A_MEASUREMENT, *dict.fromkeys(of_fields)]
    return Answer(columns, has_more, found, made)


# Aggregates ------------------------------------------------------------------------------------


def _aggregated(organization_id: UUID, asked: Asked) -> Answer:
    query = asked.query
    by, group_columns = _groups(query)
    numbers, makers = _numbers(query.aggregations)
    limit = query.limit
    found = store.aggregated(
        _window(organization_id, asked),
        numbers,
        by,
        zone=zone_of(organization_id),
        limit=limit + 1,
        seconds=settings.USAGE_QUERY_SECONDS,
    )
    has_more, found = len(found) > limit, found[:limit]
    place = next((place for place, one in enumerate(by) if one.kind == ACCOUNT), None)
    ids = set() if place is None else {row[place] for row in found}
    codes = _account_codes(organization_id, ids)
    taken = [*group_columns, *(["accountCode"] if place is not None else [])]
    names = _names(asked, taken)

    def made(row: tuple[Any, ...]) -> Row:
        shown: Row = {}
        for name, value in zip(group_columns, row, strict=False):
            shown[name] = value
            if name == "accountId":
                shown["accountCode"] = codes.get(value)
        values = row[len(by) :]
        for name, maker in zip(names, makers, strict=True):
            shown[name] = maker(values)
        return shown

    columns = [one for name in group_columns for one in _with_code(name)]
    return Answer([*columns, *names], has_more, found, made)


def _with_code(name: str) -> list[str]:
    return ["accountId", "accountCode"] if name == "accountId" else [name]


def _groups(query: UsageQuery) -> tuple[list[store.By], list[str]]:
    """Return what to group by, and the column each is shown in.

    Fields of one code are one column, whichever meters they are of.
    """
    by: list[store.By] = []
    columns: list[str] = []
    fields: dict[str, list[tuple[UUID, str]]] = {}
    for one in query.groups:
        if one.kind == DIMENSION and one.meter_id is not None:
            fields.setdefault(one.field, []).append((one.meter_id, one.field))
    for one in query.groups:
        if one.kind == TIME:
            by.append(store.By(one.frequency))
            columns.append("timestamp")
        elif one.kind == ACCOUNT:
            by.append(store.By(ACCOUNT))
            columns.append("accountId")
        elif one.field in fields:
            by.append(store.By("", tuple(fields.pop(one.field))))
            columns.append(_own(one.field, "field", ("timestamp", "accountId", "accountCode")))
    return by, columns


def _numbers(aggregations: Sequence[Aggregation]) -> tuple[list[store.Number], list[Any]]:
    """Return the numbers to read, each once, and what makes a value of them for each column."""
    places: dict[store.Number, int] = {}

    def place(one: Aggregation, fold: str) -> int:
        number = store.Number(one.meter_id, one.field, fold, one.kind == "MEASURE")
        return places.setdefault(number, len(places))

    makers = []
    for one in aggregations:
        if one.function == "MEAN":
            makers.append(_mean(place(one, "SUM"), place(one, "COUNT")))
        else:
            makers.append(_value(place(one, one.function)))
    return list(places), makers


def _value(place: int) -> Any:
    return lambda values: values[place]


def _mean(total: int, count: int) -> Any:
    def mean(values: Sequence[Any]) -> Any:
        return CONTEXT.divide(values[total], values[count]) if values[count] else None

    return mean


def _names(asked: Asked, taken: Sequence[str]) -> list[str]:
    """Return the column of each aggregation."""
    aggregations = asked.query.aggregations
    plain = [f"{one.field}_{one.function}" for one in aggregations]
    times = Counter([*plain, *taken])
    return [
        name if times[name] == 1 else f"{asked.meters[one.meter_id].code}.{name}"
        for one, name in zip(aggregations, plain, strict=True)
    ]


def _own(code: str, before: str, taken: Sequence[str]) -> str:
    return f"{before}.{code}" if code in taken else code


def _account_codes(organization_id: UUID, account_ids: set[UUID]) -> dict[UUID, str]:
    rows = Account.objects.for_organization(organization_id).filter(pk__in=account_ids)
    return dict(rows.values_list("pk", "code"))
