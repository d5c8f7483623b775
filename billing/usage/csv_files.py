"""Measurements of one meter as a table: its header, and every fault by row (usage.md 6.11).

Rows are counted as a spreadsheet counts them: the header is row 1. Nothing is read from the
database or written to it.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any, NamedTuple

from billing.usage import reception
from billing.usage.reception import NUMBER_MAPS, Item, Received
from organizations.kernel.errors import FieldRefused

MOST_ROWS = 1000
MOST_BYTES = 5 * 1024 * 1024
NEEDED = ("uid", "meter", "account", "ts")
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
Zone = Callable[[], tzinfo]


class Fault(NamedTuple):
    """What is wrong in a row; ``column`` is empty where it is the row itself."""

    row: int
    column: str
    message: str


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a meter: its code, and for each data field category and code."""

    meter: str
    fields: Sequence[tuple[str, str]]

    @property
    def needed(self) -> list[str]:
        """The names every file has, in the order of the template without ``ets``."""
        return [*NEEDED, *(f"{category}.{code}" for category, code in self.fields)]

    @property
    def template(self) -> list[str]:
        """The header of the template; ``ets`` may stay empty or be left out."""
        return [*NEEDED, "ets", *self.needed[len(NEEDED) :]]


@dataclass(frozen=True, slots=True)
class Table:
    """Either the measurements of a file, or everything that is wrong with it."""

    received: Sequence[Received]
    faults: Sequence[Fault]


def columns_of(code: str, data_fields: Sequence[Mapping[str, Any]]) -> Columns:
    """Return the columns of a meter."""
    return Columns(code, [(one["category"].lower(), one["code"]) for one in data_fields])


def template(columns: Columns) -> bytes:
    """Return an empty file with the right header."""
    written = io.StringIO()
    csv.writer(written).writerow(columns.template)
    return written.getvalue().encode()


def read(content: bytes, columns: Columns, *, at: datetime, zone: Zone) -> Table:
    """Return the measurements, or all faults: one fault, and nothing may be stored."""
    try:
        rows = _rows(content)
    except _Unreadable as error:
        return Table([], [Fault(1, "", str(error))])
    if faults := _faults_of_header(rows[0][1], columns):
        return Table([], faults)
    body = rows[1:]
    if not 1 <= len(body) <= MOST_ROWS:
        message = f"The file must have 1 to {MOST_ROWS:,} rows, it has {len(body):,}."
        return Table([], [Fault(1, "", message)])
    return _table(rows[0][1], body, columns, at=at, zone=zone)


class _Unreadable(Exception):
    pass


def _rows(content: bytes) -> list[tuple[int, list[str]]]:
    """Return the rows that are not empty, with their numbers; the header first."""
    if len(content) > MOST_BYTES:
        raise _Unreadable(f"The file is larger than {MOST_BYTES // 1024 // 1024} MiB.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _Unreadable("The file is not UTF-8. Save it as CSV UTF-8.") from None
    if "\0" in text:
        raise _Unreadable("The file holds a character that no text has (NUL).")
    first = text.partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except csv.Error as error:
        raise _Unreadable(f"The file is not CSV: {error}.") from None
    found = [(number, row) for number, row in rows if any(row)]
    if not found:
        raise _Unreadable("The file is empty.")
    return found


def _faults_of_header(header: Sequence[str], columns: Columns) -> list[Fault]:
    known = {*columns.needed, "ets"}
    faults = [
        Fault(1, name, "This column is missing.") for name in columns.needed if name not in header
    ]
    for name, count in Counter(header).items():
        if not name:
            faults.append(Fault(1, "", "A column has no name."))
        elif name not in known:
            faults.append(Fault(1, name, f"Meter {columns.meter} has no such column."))
        elif count > 1:
            faults.append(Fault(1, name, "This column is there more than once."))
    return faults


def _table(
    header: Sequence[str],
    rows: Sequence[tuple[int, list[str]]],
    columns: Columns,
    *,
    at: datetime,
    zone: Zone,
) -> Table:
    received: list[Received] = []
    faults: list[Fault] = []
    first_rows: dict[str, int] = {}
    for number, cells in rows:
        if len(cells) != len(header):
            message = f"The row has {len(cells)} cells, the header has {len(header)}."
            faults.append(Fault(number, "", message))
            continue
        values = dict(zip(header, cells, strict=True))
        wrong = _faults_of(number, values, columns)
        uid = values["uid"]
        if uid and first_rows.setdefault(uid, number) != number:
            message = f"Row {first_rows[uid]} has the same uid."
            wrong.append(Fault(number, "uid", message))
        told = {fault.column for fault in wrong}
        try:
            good = reception.check([_item(values, columns, told)], at=at, zone=zone)
        except FieldRefused as refusal:
            column, message = _in_words(refusal)
            if column not in told:
                wrong.append(Fault(number, column, message))
        else:
            received += good
        faults += wrong
    return Table([] if faults else received, faults)


def _faults_of(number: int, values: Mapping[str, str], columns: Columns) -> list[Fault]:
    """Return what can be seen without knowing what a measurement is."""
    faults = [
        Fault(number, name, "A value is needed.") for name in columns.needed if not values[name]
    ]
    if values["meter"] and values["meter"] != columns.meter:
        faults.append(Fault(number, "meter", f"This file is for meter {columns.meter}."))
    for category, code in columns.fields:
        text = values[f"{category}.{code}"]
        if category in NUMBER_MAPS and text and not NUMBER.fullmatch(text):
            message = "This is not a number. Write it like 1234.5, without signs for thousands."
            faults.append(Fault(number, f"{category}.{code}", message))
    return faults


def _item(values: Mapping[str, str], columns: Columns, told: set[str]) -> Item:
    """Return the measurement of a row; what is wrong already is filled in or left out."""
    maps: dict[str, dict[str, Any]] = {}
    for category, code in columns.fields:
        name = f"{category}.{code}"
        if name not in told:
            is_number = category in NUMBER_MAPS
            value: Any = Decimal(values[name]) if is_number else values[name]
            maps.setdefault(category, {})[code] = value
    return Item(
        meter=columns.meter,
        account=values["account"] or "account",
        ts=values["ts"] or "1970-01-01T00:00:00Z",
        uid=values["uid"],
        ets=values.get("ets") or None,
        **maps,
    )


def _in_words(refusal: FieldRefused) -> tuple[str, str]:
    error = refusal.errors[0]
    message = f"{error.message[:1].upper()}{error.message[1:]}."
    return error.field.removeprefix("measurements[0]."), message
