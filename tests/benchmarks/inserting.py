"""One-row INSERTs, each committed, over several connections: the bare cost of a durable row.

From two processes, like the web servers: one could not keep the connections busy. Nothing of
Django is imported, because the processes start afresh.
"""

import multiprocessing
import threading
import time
from collections.abc import Sequence
from threading import Barrier

import psycopg

INSERT = """
    WITH claimed AS (
        INSERT INTO billing_uidclaim VALUES (%s, %s, %s) RETURNING uid
    )
    INSERT INTO billing_measurement
        (organization_id, account_id, meter_id, ts, received_at, uid, fields)
    SELECT %s, %s, %s, %s, %s, uid, %s FROM claimed
"""
PROCESSES = 2
BEGIN_WITHIN_SECONDS = 60
Row = tuple[str, ...]


def seconds(url: str, rows: Sequence[Row], connections: int) -> float:
    """Return how long it takes until every row is committed."""
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(PROCESSES + 1)
    workers = [
        context.Process(
            target=_work, args=(url, rows[n::PROCESSES], connections // PROCESSES, gate)
        )
        for n in range(PROCESSES)
    ]
    for worker in workers:
        worker.start()
    gate.wait(BEGIN_WITHIN_SECONDS)
    begun = time.perf_counter()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        raise RuntimeError("A process of the baseline failed.")
    return time.perf_counter() - begun


def _work(url: str, rows: Sequence[Row], connections: int, gate: Barrier) -> None:
    local = threading.Barrier(connections, action=gate.wait)
    threads = [
        threading.Thread(target=_insert, args=(url, rows[n::connections], local))
        for n in range(connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _insert(url: str, rows: Sequence[Row], gate: threading.Barrier) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        gate.wait(BEGIN_WITHIN_SECONDS)
        for organization, account, meter, ts, received_at, uid, fields in rows:
            claim = [organization, uid, received_at]
            row = [organization, account, meter, ts, received_at, fields]
            connection.execute(INSERT, claim + row, prepare=True)
