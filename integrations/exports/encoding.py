"""PURE: rows as CSV or JSONL, packed with gzip, in pieces: any number of rows costs no memory."""

import csv
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from organizations.kernel import exact_json
from organizations.kernel.instants import iso_instant

Row = dict[str, Any]
CSV, JSONL = "CSV", "JSONL"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
MOST_BYTES = 10 * 1024**3
GZIP, LEVEL = 31, 4


class TooLarge(Exception):
    """An export may have so many bytes and no more."""

    def __init__(self) -> None:
        super().__init__("The export is larger than 10 GiB. Choose less data or a shorter time.")


def packed(texts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the gzip of some pieces; raises ``TooLarge``."""
    packer, size = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP), 0
    for text in texts:
        if piece := packer.compress(text):
            size += len(piece)
            if size > MOST_BYTES:
                raise TooLarge
            yield piece
    yield packer.flush()


def encoded(form: str, columns: Sequence[str], batches: Iterable[list[Row]]) -> Iterator[bytes]:
    """Yield rows as text, a piece for each batch."""
    return _csv(columns, batches) if form == CSV else _jsonl(batches)


def _jsonl(batches: Iterable[list[Row]]) -> Iterator[bytes]:
    for batch in batches:
        yield b"".join([exact_json.dumps(row) + b"\n" for row in batch])


def _csv(columns: Sequence[str], batches: Iterable[list[Row]]) -> Iterator[bytes]:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    for batch in batches:
        writer.writerows([[cell(row.get(name)) for name in columns] for row in batch])
        yield _taken(buffer)
    yield _taken(buffer)


def cell(value: Any) -> str:
    """Return a value as a cell: numbers exact, a text that looks like a formula defused."""
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA_STARTS) else value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return exact_json.dumps(value).decode()
    if isinstance(value, datetime):
        return iso_instant(value) or ""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (dict, list, tuple)):
        return exact_json.dumps(value).decode()
    return str(value)


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()


class _Pieces(io.RawIOBase):
    """A file that keeps what was written until it is taken."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[bytes] = []

    def writable(self) -> bool:
        """Only that."""
        return True

    def write(self, data: Any, /) -> int:
        """Keep a piece."""
        self.kept.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """Return what was written since the last time."""
        taken = b"".join(self.kept)
        self.kept.clear()
        return taken


def zipped(parts: Iterable[tuple[str, Iterable[bytes]]]) -> Iterator[bytes]:
    """Yield a zip of some files that are packed already."""
    sink = _Pieces()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, pieces in parts:
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            with archive.open(entry, "w", force_zip64=True) as target:
                for piece in pieces:
                    target.write(piece)
                    yield sink.take()
    yield sink.take()
