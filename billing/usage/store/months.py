"""Which months have a partition of their own, as this process last saw it."""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from django.db import connection

# A partition may be made, or taken away, by another process.
LOOK_AGAIN_SECONDS = 60.0
EXISTING = """
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'billing_measurement'::regclass
"""


class _Dated(Protocol):
    ts: datetime


Row = TypeVar("Row", bound=_Dated)
_seen: tuple[float, frozenset[str]] | None = None


def sorted_out(rows: Sequence[Row]) -> Iterator[tuple[str | None, Sequence[Row]]]:
    """Yield each month's partition and rows; None for those of all months that have none."""
    stamps = [row.ts for row in rows]
    first, latest = partition_of(min(stamps)), partition_of(max(stamps))
    known = _known()
    if first == latest:
        yield first if first in known else None, rows
        return
    by_partition: dict[str | None, list[Row]] = {}
    for row in rows:
        name = partition_of(row.ts)
        by_partition.setdefault(name if name in known else None, []).append(row)
    yield from by_partition.items()


def partition_of(ts: datetime) -> str:
    """Return the name of the partition for the month of ``ts``, in UTC; it may not exist."""
    return f"billing_measurement_{ts.astimezone(UTC):%Y%m}"


def existing() -> frozenset[str]:
    """Return the names of the partitions there are."""
    with connection.cursor() as cursor:
        cursor.execute(EXISTING)
        return frozenset(name for (name,) in cursor.fetchall())


def forget() -> None:
    """Look again at the next rows."""
    global _seen
    _seen = None


def _known() -> frozenset[str]:
    global _seen
    if _seen is None or time.monotonic() - _seen[0] > LOOK_AGAIN_SECONDS:
        _seen = (time.monotonic(), existing())
    return _seen[1]


def size() -> tuple[int, int]:
    """Return how many partitions there are, and how many bytes they take with their indexes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), COALESCE(sum(pg_total_relation_size(inhrelid)), 0)::bigint"
            "  FROM pg_inherits WHERE inhparent = 'billing_measurement'::regclass"
        )
        count, taken = cursor.fetchone()
    return count, taken
