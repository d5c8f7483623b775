"""What ingest is compared with: the same rows put into the same tables, and nothing else."""

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import psycopg

from tests.benchmarks import inserting
from tests.benchmarks.workload import Workload, database_url

COPY = """
    COPY billing_measurement
        (organization_id, account_id, meter_id, ts, received_at, uid, fields)
    FROM STDIN
"""


def rows(workload: Workload, count: int) -> list[tuple[str, ...]]:
    """Return measurements as rows, ready to be written."""
    received_at = datetime.now(UTC).isoformat()
    organization, meter = str(workload.organization_id), str(workload.meter_id)
    return [
        (
            organization,
            str(workload.accounts[str(item["account"])]),
            meter,
            str(item["ts"]),
            received_at,
            str(item["uid"]),
            json.dumps({**item["measure"], **item["what"], **item["where"]}),  # type: ignore[dict-item]
        )
        for item in workload.items(count)
    ]


def copy_rate(workload: Workload, count: int, per_commit: int = 1000) -> float:
    """Return rows a second of COPY into both tables over one connection."""
    batches = [_copied(batch) for batch in _batched(rows(workload, count), per_commit)]
    with psycopg.connect(database_url()) as connection:
        begun = time.perf_counter()
        for claims, measurements in batches:
            with connection.transaction(), connection.cursor() as cursor:
                with cursor.copy("COPY billing_uidclaim FROM STDIN") as copy:
                    copy.write(claims)
                with cursor.copy(COPY) as copy:
                    copy.write(measurements)
        return count / (time.perf_counter() - begun)


def insert_rate(workload: Workload, count: int, connections: int) -> float:
    """Return rows a second of one-row INSERTs, each committed, over some connections."""
    return count / inserting.seconds(database_url(), rows(workload, count), connections)


def _batched(items: Sequence[tuple[str, ...]], size: int) -> list[Sequence[tuple[str, ...]]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _copied(batch: Sequence[tuple[str, ...]]) -> tuple[bytes, bytes]:
    """Return the lines of both tables, uids in order."""
    claims = "".join(f"{row[0]}\t{row[5]}\t{row[4]}\n" for row in batch)
    measurements = "".join("\t".join(row).replace("\\", "\\\\") + "\n" for row in batch)
    return claims.encode(), measurements.encode()
