"""Sum measurements for many accounts, meters and windows with one statement (usage.md 9.2).

The requests are sorted into readings: all that is asked of one meter (in one way of splitting
and filtering it) is read once, whatever the number of accounts, windows, fields and methods.
UNIQUE is read apart, because counting distinct texts needs them grouped by value, and LATEST takes
one row per window from the end of the index.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import DataError, connection, transaction

from billing.usage.store import custom_sql, readings
from billing.usage.store.readings import Kind, Reading
from billing.usage.store.requests import NO_DATA, Method, Quantity, QuantityRequest, Segmentation
from organizations.kernel.money import CONTEXT

Numbers = list[Decimal | None]
Rows = dict[tuple[int, int, int | None], Numbers]
Answer = Callable[[Rows], Quantity]


def quantities(organization_id: UUID, requests: Sequence[QuantityRequest]) -> list[Quantity]:
    """Return the quantity of each request, in their order, with one statement.

    Each query that somebody wrote is a statement of its own.
    """
    if not requests:
        return []
    plan = _Plan(organization_id)
    answers = [plan.add(request) for request in requests]
    rows = _read(organization_id, plan.readings) if plan.readings else {}
    return [answer(rows) for answer in answers]


class _Plan:
    """Sorts requests into readings and remembers where the answer of each will stand."""

    def __init__(self, organization_id: UUID) -> None:
        self._organization_id = organization_id
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._splits: dict[Segmentation, Segmentation] = {}
        self._known: dict[int, Segmentation] = {}
        self.readings: list[Reading] = []

    def add(self, request: QuantityRequest) -> Answer:
        """Return the function that finds the request's quantity in the rows of the answer."""
        if not request.account_ids and not request.spans:
            return lambda _: NO_DATA
        if request.method is Method.UNIQUE:
            return self._unique(request)
        if request.method is Method.CUSTOM_SQL:
            quantity = custom_sql.quantity(self._organization_id, request)
            return lambda _: quantity
        row = self._row("FOLD", request)
        fold = self.readings[row[0]]
        counted = readings.VALUES if request.method is Method.COUNT else readings.NUMBERS
        count = fold.number(counted, request.field)
        match request.method:
            case Method.COUNT:
                return lambda rows: _counted(rows.get(row), count)
            case Method.MEAN:
                total = fold.number("sum", request.field)
                return lambda rows: _mean(rows.get(row), total, count)
            case Method.LATEST:
                newest = self._row("LATEST", request)
                return lambda rows: _latest(rows.get(newest), rows.get(row), count)
            case _:
                value = fold.number(request.method.lower(), request.field)
                return lambda rows: _folded(rows.get(row), value, count)

    def _unique(self, request: QuantityRequest) -> Answer:
        row = self._row("UNIQUE", request)
        return lambda rows: _folded(rows.get(row), 0, 1)

    def _row(self, kind: Kind, request: QuantityRequest) -> tuple[int, int, int | None]:
        """Return (reading, window, segment) under which the request's row will stand."""
        field = "" if kind == "FOLD" else request.field
        split = None if request.segmentation is None else self._split(request.segmentation)
        key = (kind, request.meter_id, id(split), field, request.filters, request.excluded)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.readings)
            self.readings.append(
                Reading(
                    kind,
                    request.meter_id,
                    split,
                    field,
                    request.filters,
                    request.excluded,
                )
            )
        reading = self.readings[number]
        window = reading.window(
            (request.account_ids, request.start_at, request.end_at, request.spans)
        )
        return number, window, reading.segment(request.segment)

    def _split(self, split: Segmentation) -> Segmentation:
        """Return the first of all equal ways of splitting, so that each is read once.

        Each object is compared once: comparing a thousand segments for every request would cost
        more than reading.
        """
        known = self._known.get(id(split))
        if known is None:
            known = self._known[id(split)] = self._splits.setdefault(split, split)
        return known


def _read(organization_id: UUID, asked: list[Reading]) -> Rows:
    """Read unguarded first: looking at the type of every value costs a quarter more.

    A value that is not a number stands under a numeric code only where a field was removed from
    its meter and came back in another category; it is left out then.
    """
    try:
        with transaction.atomic():
            return _rows(organization_id, asked, guarded=False)
    except DataError:
        return _rows(organization_id, asked, guarded=True)


def _rows(organization_id: UUID, asked: list[Reading], *, guarded: bool) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(readings.statement(organization_id, asked, guarded=guarded))
        return {row[:3]: row[3] for row in cursor.fetchall()}


def _folded(numbers: Numbers | None, value: int, count: int) -> Quantity:
    if numbers is None or not numbers[count]:
        return NO_DATA
    return Quantity(numbers[value], int(numbers[count] or 0))


def _counted(numbers: Numbers | None, count: int) -> Quantity:
    return _folded(numbers, count, count)


def _mean(numbers: Numbers | None, total: int, count: int) -> Quantity:
    summed = _folded(numbers, total, count)
    if summed.value is None:
        return NO_DATA
    return Quantity(CONTEXT.divide(summed.value, summed.event_count), summed.event_count)


def _latest(newest: Numbers | None, numbers: Numbers | None, count: int) -> Quantity:
    if newest is None or numbers is None:
        return NO_DATA
    return Quantity(newest[0], int(numbers[count] or 0))
