"""Questions about usage as SQL: newest measurements, or aggregates by account, time and text.

Of each meter all sums, counts, least and greatest values are read in one go; distinct and latest
values are pieces of their own, put beside the others by their groups. Everything is read in a
transaction that cannot write, must end within a time, and is always undone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any
from uuid import UUID

from django.db import DataError, OperationalError, connection, transaction
from psycopg import sql

from organizations.kernel import ids
from organizations.kernel.periods import sql_name

CANCELED = "57014"
RAW_COLUMNS = ("meter_id", "account_id", "uid", "ts", "ets", "received_at", "fields")
# Fields are text: whoever asks reads the numbers exactly.
RAW = """
    SELECT m.meter_id, m.account_id, m.uid, m.ts, m.ets, m.received_at, m.fields::text
    FROM billing_measurement m
    WHERE {within} AND ({meters})
    ORDER BY m.ts DESC, m.received_at DESC, m.uid DESC LIMIT {limit}
"""
WITHIN = "m.organization_id = {organization} AND m.ts >= {start} AND m.ts < {end}{accounts}"
FOLD = """
    SELECT {groups}{numbers} FROM (
        SELECT {columns} FROM billing_measurement m WHERE {within} AND {meter} OFFSET 0
    ) v {grouped} HAVING count(*) > 0
"""
# Counting by value first: count(DISTINCT ...) would sort every row of every group.
UNIQUE = """
    SELECT {groups}{numbers} FROM (
        SELECT DISTINCT {columns} FROM billing_measurement m
        WHERE {within} AND {meter} AND {value} IS NOT NULL
    ) v {grouped} HAVING count(*) > 0
"""
LATEST = """
    SELECT DISTINCT ON ({on}) {columns}
    FROM billing_measurement m WHERE {within} AND {meter} AND {value} IS NOT NULL
    ORDER BY {on}, m.ts DESC, m.received_at DESC, m.uid DESC
"""
LATEST_OF_ALL = """
    (SELECT {columns} FROM billing_measurement m
     WHERE {within} AND {meter} AND {value} IS NOT NULL
     ORDER BY m.ts DESC, m.received_at DESC, m.uid DESC LIMIT 1)
"""
TOGETHER = "SELECT {groups}{numbers} FROM ({pieces}) p {grouped}"
ORDERED = "SELECT * FROM ({asked}) a {order} LIMIT {limit}"
FOLDS = {"SUM": "sum", "MIN": "min", "MAX": "max", "COUNT": "count"}


class TooSlow(Exception):
    """The answer takes longer than it may."""


@dataclass(frozen=True, slots=True)
class Window:
    """Where to look. ``account_ids`` None is all accounts; ``filters`` are each meter's own."""

    organization_id: UUID
    start_at: datetime
    end_at: datetime
    account_ids: Sequence[UUID] | None
    filters: dict[UUID, tuple[tuple[str, tuple[str, ...]], ...]]


@dataclass(frozen=True, slots=True)
class Number:
    """One value of a row: a fold of a field of a meter."""

    meter_id: UUID
    field: str
    fold: str
    is_numeric: bool


@dataclass(frozen=True, slots=True)
class By:
    """One column rows are grouped by: ACCOUNT, a frequency, or (empty) the fields' texts."""

    kind: str
    fields: tuple[tuple[UUID, str], ...] = ()


def raw(
    window: Window, meter_ids: Sequence[UUID], *, limit: int, seconds: int
) -> list[tuple[Any, ...]]:
    """Return the newest measurements of the meters, with the columns of ``RAW_COLUMNS``."""
    if not meter_ids:
        return []
    plain = [one for one in meter_ids if not window.filters.get(one)]
    meters = (
        [sql.SQL("m.meter_id = ANY({}::uuid[])").format(sql.Literal(ids.array(plain)))]
        if plain
        else []
    )
    meters += [_meter(window, one) for one in meter_ids if window.filters.get(one)]
    statement = sql.SQL(RAW).format(
        within=_within(window),
        meters=sql.SQL(" OR ").join(sql.SQL("({})").format(one) for one in meters),
        limit=sql.Literal(limit),
    )
    return _bounded(statement, seconds)


def aggregated(
    window: Window,
    numbers: Sequence[Number],
    by: Sequence[By],
    *,
    zone: tzinfo,
    limit: int,
    seconds: int,
) -> list[tuple[Any, ...]]:
    """Return rows of what they are grouped by and of the numbers, both in order, newest first."""
    arguments = (window, numbers, by, zone, limit)
    try:
        return _bounded(_aggregates(*arguments, guarded=False), seconds)
    except DataError:
        # A text under a numeric code, from before the field changed its category: left out.
        return _bounded(_aggregates(*arguments, guarded=True), seconds)


def _bounded(statement: sql.Composable, seconds: int) -> list[tuple[Any, ...]]:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            try:
                cursor.execute("SELECT set_config('statement_timeout', %s, true),"
                               " set_config('transaction_read_only', 'on', true)",
                               [f"{seconds}s"])  # fmt: skip
                cursor.execute(statement)
                return list(cursor.fetchall())
            finally:
                transaction.set_rollback(True)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) == CANCELED:
            raise TooSlow from error
        raise


def _aggregates(
    window: Window,
    numbers: Sequence[Number],
    by: Sequence[By],
    zone: tzinfo,
    limit: int,
    *,
    guarded: bool,
) -> sql.Composable:
    pieces: list[sql.Composable] = []
    for meter_id in dict.fromkeys(one.meter_id for one in numbers):
        piece = _Piece(window, meter_id, numbers, by, zone, guarded)
        pieces += piece.all()
    asked = pieces[0] if len(pieces) == 1 else _together(pieces, len(by), len(numbers))
    return sql.SQL(ORDERED).format(asked=asked, order=_order(by), limit=sql.Literal(limit))


def _together(pieces: list[sql.Composable], groups: int, numbers: int) -> sql.Composable:
    return sql.SQL(TOGETHER).format(
        groups=_listed(groups, "g", "{}, "),
        numbers=_listed(numbers, "n", "max({0}) AS {0}, ", last=True),
        pieces=sql.SQL(" UNION ALL ").join(sql.SQL("({})").format(one) for one in pieces),
        grouped=_grouped(groups, having=True),
    )


class _Piece:
    """What is read of one meter."""

    def __init__(
        self,
        window: Window,
        meter_id: UUID,
        numbers: Sequence[Number],
        by: Sequence[By],
        zone: tzinfo,
        guarded: bool,
    ) -> None:
        self.window, self.meter_id, self.numbers = window, meter_id, numbers
        self.by, self.zone, self.guarded = by, zone, guarded
        self.mine = [place for place, one in enumerate(numbers) if one.meter_id == meter_id]

    def all(self) -> list[sql.Composable]:
        """Return the statements, each with all columns of the answer."""
        folded = [place for place in self.mine if self.numbers[place].fold in FOLDS]
        pieces = [self._fold(folded)] if folded else []
        for place in self.mine:
            if self.numbers[place].fold == "UNIQUE":
                pieces.append(self._unique(place))
            if self.numbers[place].fold == "LATEST":
                pieces.append(self._latest(place))
        return pieces

    def _fold(self, places: list[int]) -> sql.Composable:
        names: dict[tuple[str, bool], sql.Identifier] = {}
        for place in places:
            one = self.numbers[place]
            names.setdefault((one.field, one.is_numeric), sql.Identifier(f"v{len(names)}"))
        values = [
            sql.SQL("{} AS {}").format(self._value(*key), name) for key, name in names.items()
        ]
        folds = {}
        for place in places:
            one = self.numbers[place]
            shape = (
                "NULLIF(count(v.{0}), 0)::numeric" if FOLDS[one.fold] == "count" else "{1}(v.{0})"
            )
            name = names[one.field, one.is_numeric]
            folds[place] = sql.SQL(shape).format(name, sql.SQL(FOLDS[one.fold]))
        return sql.SQL(FOLD).format(
            groups=_listed(len(self.by), "g", "v.{0}, "),
            numbers=self._numbers(folds),
            columns=sql.SQL(", ").join([*self._named_groups(), *values]),
            grouped=_grouped(len(self.by)),
            **self._where(),
        )

    def _unique(self, place: int) -> sql.Composable:
        value = self._value(self.numbers[place].field, False)
        return sql.SQL(UNIQUE).format(
            groups=_listed(len(self.by), "g", "v.{0}, "),
            numbers=self._numbers({place: sql.SQL("count(*)::numeric")}),
            columns=sql.SQL(", ").join(
                [*self._named_groups(), sql.SQL("{} AS value").format(value)]
            ),
            grouped=_grouped(len(self.by)),
            value=value,
            **self._where(),
        )

    def _latest(self, place: int) -> sql.Composable:
        value = self._value(self.numbers[place].field, True)
        groups = self._groups()
        columns = sql.SQL("{}{}").format(
            sql.SQL("").join(sql.SQL("{}, ").format(one) for one in self._named_groups()),
            self._numbers({place: value}),
        )
        if not groups:
            return sql.SQL(LATEST_OF_ALL).format(columns=columns, value=value, **self._where())
        return sql.SQL(LATEST).format(
            on=sql.SQL(", ").join(groups), columns=columns, value=value, **self._where()
        )

    def _numbers(self, given: dict[int, sql.Composable]) -> sql.Composable:
        """Return all numbers of the answer: those given, and nulls for the others."""
        null = sql.SQL("NULL::numeric")
        return sql.SQL(", ").join(
            sql.SQL("{} AS {}").format(given.get(place, null), sql.Identifier(f"n{place}"))
            for place in range(len(self.numbers))
        )

    def _named_groups(self) -> list[sql.Composable]:
        return [
            sql.SQL("{} AS {}").format(one, sql.Identifier(f"g{place}"))
            for place, one in enumerate(self._groups())
        ]

    def _groups(self) -> list[sql.Composable]:
        return [self._group(one) for one in self.by]

    def _group(self, one: By) -> sql.Composable:
        if one.kind == "ACCOUNT":
            return sql.SQL("m.account_id")
        if one.kind:
            return sql.SQL("date_trunc({}, m.ts, {})").format(
                sql.Literal(one.kind.lower()), sql.Literal(sql_name(self.zone))
            )
        codes = [code for meter_id, code in one.fields if meter_id == self.meter_id]
        return self._value(codes[0], False) if codes else sql.SQL("NULL::text")

    def _value(self, code: str, is_numeric: bool) -> sql.Composable:
        if not is_numeric:
            return sql.SQL("(m.fields ->> {})").format(sql.Literal(code))
        value = sql.SQL("(m.fields -> {})").format(sql.Literal(code))
        if not self.guarded:
            return sql.SQL("{}::numeric").format(value)
        return sql.SQL("CASE WHEN jsonb_typeof({0}) = 'number' THEN {0}::numeric END").format(value)

    def _where(self) -> dict[str, sql.Composable]:
        return {"within": _within(self.window), "meter": _meter(self.window, self.meter_id)}


def _within(window: Window) -> sql.Composable:
    accounts: sql.Composable = sql.SQL("")
    if window.account_ids is not None:
        chosen = sql.Literal(ids.array(list(window.account_ids)))
        accounts = sql.SQL(" AND m.account_id = ANY({}::uuid[])").format(chosen)
    return sql.SQL(WITHIN).format(
        organization=sql.Literal(window.organization_id),
        start=sql.Literal(window.start_at),
        end=sql.Literal(window.end_at),
        accounts=accounts,
    )


def _meter(window: Window, meter_id: UUID) -> sql.Composable:
    conditions = [sql.SQL("m.meter_id = {}").format(sql.Literal(meter_id))]
    conditions += [
        sql.SQL("(m.fields ->> {}) = ANY({}::text[])").format(
            sql.Literal(code), sql.Literal(list(values))
        )
        for code, values in window.filters.get(meter_id, ())
    ]
    return sql.SQL(" AND ").join(conditions)


def _listed(count: int, letter: str, shape: str, *, last: bool = False) -> sql.Composable:
    names = [sql.Identifier(f"{letter}{place}") for place in range(count)]
    if last:
        return sql.SQL(", ").join(sql.SQL(shape.rstrip(", ")).format(name) for name in names)
    return sql.SQL("").join(sql.SQL(shape).format(name) for name in names)


def _grouped(groups: int, *, having: bool = False) -> sql.Composable:
    if not groups:
        return sql.SQL("HAVING count(*) > 0" if having else "")
    numbers = ", ".join(str(place + 1) for place in range(groups))
    return sql.SQL(f"GROUP BY {numbers}")


def _order(by: Sequence[By]) -> sql.Composable:
    """Newest first; within one time the accounts and texts in order, so that pages agree."""
    if not by:
        return sql.SQL("")
    is_time = [one.kind not in ("", "ACCOUNT") for one in by]
    places = sorted(range(len(by)), key=lambda place: not is_time[place])
    named = (f"a.g{place}{' DESC' if is_time[place] else ''}" for place in places)
    return sql.SQL(f"ORDER BY {', '.join(named)}")
