"""The SQL that reads measurements: one piece for all that is asked of one meter.

Every piece answers rows of (reading, window, segment, numbers), so that pieces of different
meters go into one statement.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from psycopg import sql

from billing.usage.store import segments
from billing.usage.store.requests import Filters, Segmentation, Spans
from organizations.kernel import ids

Window = tuple[tuple[UUID, ...], datetime, datetime, Spans]
Kind = Literal["FOLD", "UNIQUE", "LATEST"]
VALUES = "values"
NUMBERS = "numbers"

# The bounds are said twice: for each window, and once for all, by which partitions are chosen.
SOURCE = """
    FROM unnest(
        {accounts}::uuid[], {starts}::timestamptz[], {ends}::timestamptz[], {windows}::int[]
    ) AS w (account_id, start_at, end_at, n)
"""
MATCHING = """
    m.organization_id = {organization} AND m.account_id = w.account_id AND m.meter_id = {meter}
    AND m.ts >= w.start_at AND m.ts < w.end_at AND m.ts >= {first} AND m.ts < {latest}{filtered}
"""
# OFFSET 0 keeps the inner query apart: each value is then looked up once a row, not once for each
# fold of it, which is most of the work.
FOLD = """
    SELECT {number}, v.n, NULL::int, ARRAY[{numbers}]::numeric[]
    FROM (
        SELECT w.n, {values} {source} JOIN billing_measurement m ON {matching} OFFSET 0
    ) v
    GROUP BY v.n
"""
FOLD_OF_SEGMENTS = """
    SELECT {number}, v.n, v.segment, ARRAY[{numbers}]::numeric[]
    FROM (
        SELECT w.n, {segment} AS segment, {values}
        {source} JOIN billing_measurement m ON {matching} OFFSET 0
    ) v
    GROUP BY v.n, v.segment
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
LATEST_OF_MANY = """
    SELECT {number}, l.n, l.segment, ARRAY[l.value]
    FROM (
        SELECT DISTINCT ON (w.n, segment) w.n, {segment} AS segment, {value} AS value
        {source} JOIN billing_measurement m ON {matching} AND {value} IS NOT NULL
        ORDER BY w.n, segment, m.ts DESC, m.received_at DESC, m.uid DESC
    ) l
"""
WHOLE = {"FOLD": FOLD, "UNIQUE": UNIQUE, "LATEST": LATEST}
OF_SEGMENTS = {"FOLD": FOLD_OF_SEGMENTS, "UNIQUE": UNIQUE, "LATEST": LATEST_OF_MANY}


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
    filters: Filters = ()
    excluded: Filters = ()
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
    rows = [
        (account_id, start_at, end_at, window)
        for (account_ids, start_at, end_at, _), window in reading.windows.items()
        for account_id in (account_ids if len(account_ids) == 1 else dict.fromkeys(account_ids))
    ]
    rows += [(*span, window) for (*_, spans), window in reading.windows.items() for span in spans]
    # The newest of one account stands at the end of its index; of several all are compared.
    is_pooled = len(rows) > len(reading.windows)
    template = (OF_SEGMENTS if split else WHOLE)[reading.kind]
    if is_pooled and reading.kind == "LATEST":
        template = LATEST_OF_MANY
    accounts, starts, ends, windows = (list(column) for column in zip(*rows, strict=True))
    values: dict[str, Any] = {
        "number": number,
        "organization": organization_id,
        "meter": reading.meter_id,
        "accounts": ids.array(accounts),
        "starts": _array(starts),
        "ends": _array(ends),
        "windows": windows,
        "first": min(starts),
        "latest": max(ends),
        "field": reading.target,
    }
    parts: dict[str, sql.Composable] = {key: sql.Literal(value) for key, value in values.items()}
    parts["segment"] = segments.number_of_segment(split) if split else sql.SQL("NULL::int")
    parts["filtered"] = sql.Composed(
        [
            *(_filtered(*one) for one in reading.filters),
            *(_excluded(*one) for one in reading.excluded),
        ]
    )
    parts["source"] = sql.SQL(SOURCE).format(**parts)
    parts["matching"] = sql.SQL(MATCHING).format(**parts)
    parts["value"] = _numeric(reading.target, guarded)
    parts["values"], parts["numbers"] = _folds(reading, guarded)
    return sql.SQL(template).format(**parts)


def _filtered(of_field: str, texts: Sequence[str]) -> sql.Composed:
    return sql.SQL(" AND m.fields ->> {} = ANY({}::text[])").format(
        sql.Literal(of_field), sql.Literal(list(texts))
    )


def _excluded(of_field: str, texts: Sequence[str]) -> sql.Composed:
    return sql.SQL(" AND (m.fields ->> {} = ANY({}::text[])) IS NOT TRUE").format(
        sql.Literal(of_field), sql.Literal(list(texts))
    )


def _array(instants: Sequence[datetime]) -> str:
    """Write instants as an array of PostgreSQL; the windows of many accounts have few."""
    texts = {instant: instant.isoformat() for instant in set(instants)}
    return f"{{{','.join(texts[instant] for instant in instants)}}}"


def _folds(reading: Reading, guarded: bool) -> tuple[sql.Composed, sql.Composed]:
    """Return the values to look up, each under a name, and the aggregates over those names.

    VALUES counts what is there, of any type; without a guard everything is a number anyway.
    """
    columns: dict[tuple[bool, str], sql.Composed] = {}
    names: dict[tuple[bool, str], sql.Identifier] = {}
    folded = []
    for fold, of_field in reading.numbers:
        of_any_type = fold == VALUES and (guarded or not _is_numeric(of_field, reading))
        key = (of_any_type, of_field)
        if key not in columns:
            name = sql.Identifier(f"value{len(columns)}")
            raw = sql.SQL("(m.fields -> {})").format(sql.Literal(of_field))
            value = raw if of_any_type else _numeric(of_field, guarded)
            columns[key] = sql.SQL("{} AS {}").format(value, name)
            names[key] = name
        function = "count" if fold in (VALUES, NUMBERS) else fold
        folded.append(sql.SQL("{}(v.{})").format(sql.SQL(function), names[key]))
    return sql.SQL(", ").join(columns.values()), sql.SQL(", ").join(folded)


def _is_numeric(of_field: str, reading: Reading) -> bool:
    """Whether the field is folded as a number too."""
    return any(name == of_field and fold != VALUES for fold, name in reading.numbers)


def _numeric(of_field: str, guarded: bool) -> sql.Composed:
    value = sql.SQL("(m.fields -> {})").format(sql.Literal(of_field))
    if not guarded:
        return sql.SQL("{}::numeric").format(value)
    return sql.SQL("CASE WHEN jsonb_typeof({0}) = 'number' THEN {0}::numeric END").format(value)
