"""The SQL that reads measurements: one piece for all that is asked of one meter.

Every piece answers rows of (reading, window, segment, numbers), so that pieces of different
meters go into one statement.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from psycopg import sql

from billing.usage.store import segments
from billing.usage.store.requests import Segmentation

Window = tuple[UUID, datetime, datetime]
Kind = Literal["FOLD", "UNIQUE", "LATEST"]
VALUES = "values"
NUMBERS = "numbers"

# The bounds are said twice: for each window, and once for all, by which partitions are chosen.
SOURCE = """
    FROM unnest({accounts}::uuid[], {starts}::timestamptz[], {ends}::timestamptz[])
        WITH ORDINALITY AS w (account_id, start_at, end_at, n)
"""
MATCHING = """
    m.organization_id = {organization} AND m.account_id = w.account_id AND m.meter_id = {meter}
    AND m.ts >= w.start_at AND m.ts < w.end_at AND m.ts >= {first} AND m.ts < {latest}
"""
FOLD = """
    SELECT {number}, w.n, {segment}, ARRAY[{numbers}]::numeric[]
    {source} JOIN billing_measurement m ON {matching}
    GROUP BY w.n, 3
"""
# Counting by value first: count(DISTINCT ...) would sort every row of every window.
UNIQUE = """
    SELECT {number}, v.n, v.segment, ARRAY[count(*), sum(v.times)]::numeric[]
    FROM (
        SELECT w.n, {segment} AS segment, m.fields ->> {field} AS value, count(*) AS times
        {source} JOIN billing_measurement m ON {matching} AND m.fields ->> {field} IS NOT NULL
        GROUP BY 1, 2, 3
    ) v
    GROUP BY v.n, v.segment
"""
LATEST = """
    SELECT {number}, w.n, NULL::int, ARRAY[latest.value]
    {source} CROSS JOIN LATERAL (
        SELECT {value} AS value FROM billing_measurement m WHERE {matching} AND {value} IS NOT NULL
        ORDER BY m.ts DESC, m.received_at DESC, m.uid DESC LIMIT 1
    ) latest
"""
LATEST_OF_SEGMENTS = """
    SELECT {number}, l.n, l.segment, ARRAY[l.value]
    FROM (
        SELECT DISTINCT ON (w.n, segment) w.n, {segment} AS segment, {value} AS value
        {source} JOIN billing_measurement m ON {matching} AND {value} IS NOT NULL
        ORDER BY w.n, segment, m.ts DESC, m.received_at DESC, m.uid DESC
    ) l
"""


@dataclass(slots=True)
class Reading:
    """All that is asked of one meter, in one way of splitting it.

    ``numbers`` are the folds (``sum``, VALUES, ...) with their fields; for UNIQUE and LATEST
    there is one ``target`` field and no fold.
    """

    kind: Kind
    meter_id: UUID
    segmentation: Segmentation | None
    target: str = ""
    windows: dict[Window, int] = field(default_factory=dict)
    numbers: dict[tuple[str, str], int] = field(default_factory=dict)
    segments: dict[tuple[str, ...], int] = field(init=False)

    def __post_init__(self) -> None:
        split = self.segmentation.segments if self.segmentation else ()
        self.segments = {segment: place for place, segment in enumerate(split)}

    def segment(self, segment: tuple[str, ...] | None) -> int | None:
        """Return the place of a segment; None when the meter is not split."""
        return None if segment is None else self.segments[segment]

    def window(self, window: Window) -> int:
        """Return the number of a window, from 1; a new one is added."""
        return self.windows.setdefault(window, len(self.windows) + 1)

    def number(self, fold: str, of_field: str) -> int:
        """Return the place of a fold in the answer, from 0; a new one is added."""
        return self.numbers.setdefault((fold, of_field), len(self.numbers))


def statement(organization_id: UUID, asked: list[Reading], *, guarded: bool) -> sql.Composed:
    """Return one statement for all readings; ``guarded`` leaves out what is not a number."""
    pieces = [
        _piece(number, organization_id, reading, guarded) for number, reading in enumerate(asked)
    ]
    return sql.SQL(" UNION ALL ").join(pieces)


def _piece(number: int, organization_id: UUID, reading: Reading, guarded: bool) -> sql.Composed:
    split = reading.segmentation
    template = {"FOLD": FOLD, "UNIQUE": UNIQUE, "LATEST": LATEST_OF_SEGMENTS if split else LATEST}
    accounts, starts, ends = (list(column) for column in zip(*reading.windows, strict=True))
    values: dict[str, Any] = {
        "number": number,
        "organization": organization_id,
        "meter": reading.meter_id,
        "accounts": accounts,
        "starts": starts,
        "ends": ends,
        "first": min(starts),
        "latest": max(ends),
        "field": reading.target,
    }
    parts: dict[str, sql.Composable] = {key: sql.Literal(value) for key, value in values.items()}
    parts["segment"] = segments.number_of_segment(split) if split else sql.SQL("NULL::int")
    parts["source"] = sql.SQL(SOURCE).format(**parts)
    parts["matching"] = sql.SQL(MATCHING).format(**parts)
    parts["value"] = _numeric(reading.target, guarded)
    parts["numbers"] = sql.SQL(", ").join(
        _folded(fold, of_field, guarded) for fold, of_field in reading.numbers
    )
    return sql.SQL(template[reading.kind]).format(**parts)


def _folded(fold: str, of_field: str, guarded: bool) -> sql.Composed:
    """Return one aggregate; VALUES counts what is there, of any type, NUMBERS what is a number."""
    if fold == VALUES or (fold == NUMBERS and not guarded):
        return sql.SQL("count(m.fields -> {})").format(sql.Literal(of_field))
    name = "count" if fold == NUMBERS else fold
    return sql.SQL("{}({})").format(sql.SQL(name), _numeric(of_field, guarded))


def _numeric(of_field: str, guarded: bool) -> sql.Composed:
    value = sql.SQL("(m.fields -> {})").format(sql.Literal(of_field))
    if not guarded:
        return sql.SQL("{}::numeric").format(value)
    return sql.SQL("CASE WHEN jsonb_typeof({0}) = 'number' THEN {0}::numeric END").format(value)
