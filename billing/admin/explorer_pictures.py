"""The answer to a question about usage as a table, a pivot table, a chart, or a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any

from organizations.kernel.console.exporting import BOM, FORMULA_STARTS
from organizations.kernel.console.fields import plain_text
from organizations.kernel.instants import iso_instant

MOST_SHOWN, MOST_SERIES = 500, 8
HIDDEN = {"accountId", "meterId"}  # whoever reads knows the code
TITLES = {
    "accountCode": "Account", "meterCode": "Meter", "timestamp": "Time", "uid": "Uid",
    "endTimestamp": "End", "receivedAt": "Received",
}  # fmt: skip
Row = dict[str, Any]


def table(columns: Sequence[str], rows: Sequence[Row], zone: tzinfo) -> dict[str, Any]:
    """Return titles and cells of the first rows."""
    shown = [name for name in columns if name not in HIDDEN]
    return {
        "titles": [title(name) for name in shown],
        "rows": [[_cell(row.get(name), zone) for name in shown] for row in rows[:MOST_SHOWN]],
    }


def pivot(
    groups: Sequence[str], values: Sequence[str], rows: Sequence[Row], zone: tzinfo
) -> dict[str, Any]:
    """Return one row for each value of the first group, one column for each of the others."""
    if not groups:
        return table(values, rows, zone)
    first, others = groups[0], groups[1:]
    grid: dict[str, dict[str, str]] = {}
    columns: dict[str, None] = {}
    for row in rows:
        line = grid.setdefault(_cell(row.get(first), zone), {})
        for name in values:
            column = _series(row, others, name, len(values), zone)
            columns.setdefault(column)
            line[column] = _cell(row.get(name), zone)
    ordered = sorted(columns)
    return {
        "titles": [title(first), *ordered],
        "rows": [
            [label, *(line.get(column, "") for column in ordered)]
            for label, line in list(grid.items())[:MOST_SHOWN]
        ],
    }


def chart(
    groups: Sequence[str], values: Sequence[str], rows: Sequence[Row], zone: tzinfo, *, kind: str
) -> dict[str, Any]:
    """Return labels and the largest eight series, oldest first where the labels are times."""
    first, others = (groups[0], groups[1:]) if groups else ("", ())
    ordered = list(reversed(rows)) if first == "timestamp" else list(rows)
    labels = list(dict.fromkeys(_cell(row.get(first), zone) if first else "" for row in ordered))
    series: dict[str, dict[str, Any]] = {}
    for row in ordered:
        for name in values:
            of = series.setdefault(_series(row, others, name, len(values), zone), {})
            of[_cell(row.get(first), zone) if first else ""] = row.get(name)
    largest = sorted(series, key=lambda name: -sum(abs(v or 0) for v in series[name].values()))
    return {
        "labels": labels,
        "stacked": kind == "stacked",
        "left_out": max(0, len(largest) - MOST_SERIES),
        "datasets": [
            {"label": name, "data": [plain_text(series[name].get(label) or 0) for label in labels]}
            for name in largest[:MOST_SERIES]
        ],
    }


def lines(columns: Sequence[str], rows: Iterator[Row]) -> Iterator[str]:
    """Yield a CSV, exact and with its formulas defused."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(columns)
    yield BOM
    for row in rows:
        writer.writerow([_plain(row.get(name)) for name in columns])
        if buffer.tell() > 50_000:
            yield _taken(buffer)
    yield _taken(buffer)


def title(name: str) -> str:
    """Return what a column is called on a page."""
    return TITLES.get(name, name)


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return iso_instant(value) or ""
    if isinstance(value, (Decimal, int)):
        return plain_text(value)
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _cell(value: Any, zone: tzinfo) -> str:
    if isinstance(value, datetime):
        local = value.astimezone(zone)
        is_midnight = (local.hour, local.minute, local.second, local.microsecond) == (0, 0, 0, 0)
        return f"{local:%Y-%m-%d}" if is_midnight else f"{local:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, (Decimal, int)):
        return plain_text(value)
    return "-" if value is None else str(value)


def _series(row: Row, others: Sequence[str], name: str, count: int, zone: tzinfo) -> str:
    words = [_cell(row.get(other), zone) for other in others]
    if count > 1 or not words:
        words.append(name)
    return ", ".join(words)
