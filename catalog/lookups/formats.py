"""Items of lookup tables as CSV and as JSON lines, read and written a few rows at a time.

Texts that spreadsheets take for formulas stand behind an apostrophe in CSV, which is taken away
when the file is read: what was downloaded can be uploaded again. An empty cell is no value.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO, NamedTuple

import msgspec

from catalog.lookups.items import Fault, Item, Schema, checked, from_text
from organizations.kernel import csv_text, exact_json
from organizations.kernel.errors import DomainError

CSV, JSONL = "text/csv", "application/jsonl"
CONTENT_TYPES = (CSV, JSONL)
ENDINGS = {CSV: "csv", JSONL: "jsonl"}
# Ten texts of the greatest length, each character escaped, and more.
LONGEST_LINE = 2**20
PIECE_BYTES = 2**16


class NotReadable(DomainError):
    """The file cannot be read any further, so nothing of it is stored."""


class Row(NamedTuple):
    """A row of a file by the number a reader sees: the header of a CSV is row 1."""

    number: int
    item: Item
    faults: Sequence[Fault]


def rows(body: BinaryIO, content_type: str, schema: Schema) -> Iterator[Row]:
    """Yield the checked rows of a file; raises ``NotReadable``."""
    read = _csv_rows if content_type == CSV else _json_rows
    text = io.TextIOWrapper(body, encoding="utf-8-sig", newline="")
    try:
        yield from read(text, schema)
    except UnicodeDecodeError as error:
        raise NotReadable("The file is not text in UTF-8.") from error
    finally:
        text.detach()


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    number = 0
    while line := text.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise NotReadable(f"Line {number} has more than {LONGEST_LINE:,} characters.")
        yield line


def _json_rows(text: io.TextIOWrapper, schema: Schema) -> Iterator[Row]:
    for number, line in enumerate(_lines(text), 1):
        if not line.strip():
            continue
        try:
            sent = exact_json.loads(line)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            yield Row(number, {}, [Fault("", "is not JSON")])
            continue
        yield Row(number, *checked(schema, sent))


def _csv_rows(text: io.TextIOWrapper, schema: Schema) -> Iterator[Row]:
    reader = csv.reader(_lines(text))
    number, header = 0, None
    while True:
        number += 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise NotReadable(f"Row {number} is not CSV: {error}.") from error
        if cells is None:
            return
        if header is None:
            header = _checked_header(cells, schema)
        elif len(cells) > len(header):
            yield Row(number, {}, [Fault("", f"has more than {len(header)} cells")])
        elif cells:  # none: a line without anything
            sent = {
                name: from_text(_bare(cell), schema.types[name])
                for name, cell in zip(header, cells, strict=False)
            }
            yield Row(number, *checked(schema, sent))


def _checked_header(cells: Sequence[str], schema: Schema) -> list[str]:
    names = [cell.strip() for cell in cells]
    for name in names:
        if name not in schema.types:
            raise NotReadable(
                f"Row 1 must name the fields, and {name[:80]!r} is no field of this revision."
            )
    if len(set(names)) < len(names):
        raise NotReadable("Row 1 names a field twice.")
    if missing := [key for key in schema.keys if key not in names]:
        raise NotReadable(f"Row 1 does not name {missing[0]}, which is a key.")
    return names


def written(items: Iterable[Item], content_type: str, names: Sequence[str]) -> Iterator[bytes]:
    """Yield the file of items, some rows at a time."""
    if content_type == CSV:
        cells = ([_guarded(item.get(name)) for name in names] for item in items)
        return csv_text.encoded(names, cells)
    return _json_lines(items)


def _json_lines(items: Iterable[Item]) -> Iterator[bytes]:
    piece = bytearray()
    for item in items:
        piece += exact_json.dumps(item) + b"\n"
        if len(piece) >= PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


def _guarded(value: Any) -> Any:
    """Put one apostrophe more where reading would take one away."""
    is_text = isinstance(value, str) and value.startswith("'")
    return f"'{value}" if is_text and _is_guarded(value) else value


def _bare(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _is_guarded(cell) else cell


def _is_guarded(cell: str) -> bool:
    return cell.lstrip("'").startswith(csv_text.FORMULA_STARTS)
