"""The processes of the bill run's benchmark; each loads Django only when it needs it."""

import multiprocessing
import os
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import psycopg

WORKERS = 2
READY_WITHIN_SECONDS = 60


class Report(NamedTuple):
    """What one process tells: when it ended, how long it waited for measurements to be summed,
    and its peak memory after the first and after the last item, in KiB."""

    ended: float
    reading_seconds: float = 0.0
    first_memory: int = 1
    latest_memory: int = 1


def share_out(work: Callable[..., None], items: Sequence[str]) -> tuple[float, list[Report]]:
    """Let the processes take the items one by one; return seconds, and the report of each."""
    from tests.benchmarks.workload import database_url

    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(WORKERS + 1)
    waiting, reports = context.Queue(), context.Queue()
    # The end is an item too: a queue that is being read by another process says it is empty.
    for item in [*items, *[None] * WORKERS]:
        waiting.put(item)
    processes = [
        context.Process(target=work, args=(database_url(), waiting, gate, reports))
        for _ in range(WORKERS)
    ]
    for process in processes:
        process.start()
    gate.wait(READY_WITHIN_SECONDS)
    begun = time.perf_counter()
    told = [reports.get() for _ in processes]
    seconds = max(report.ended for report in told) - begun
    for process in processes:
        process.join()
        if process.exitcode:
            raise RuntimeError("A worker failed.")
    return seconds, told


def bill_chunks(url: str, waiting: Any, gate: Any, reports: Any) -> None:
    """Bill chunks as the Celery task does."""
    os.environ["DATABASE_URL"] = url
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from django.db import connection

    from billing import tasks

    connection.ensure_connection()
    gate.wait(READY_WITHIN_SECONDS)
    used, reading = [], []

    def note(execute: Callable[..., Any], sql: Any, *rest: Any) -> Any:
        begun = time.perf_counter()
        try:
            return execute(sql, *rest)
        finally:
            if "billing_measurement" in str(sql):
                reading.append(time.perf_counter() - begun)

    with connection.execute_wrapper(note):
        for chunk_id in _items(waiting):
            tasks.bill_chunk(chunk_id=chunk_id)
            used.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    memory = (used[0], used[-1]) if used else (1, 1)
    reports.put(Report(time.perf_counter(), sum(reading), *memory))


def read(url: str, waiting: Any, gate: Any, reports: Any) -> None:
    """Execute statements and fetch their rows, nothing else."""
    with psycopg.connect(url) as bare:
        gate.wait(READY_WITHIN_SECONDS)
        for statement in _items(waiting):
            bare.execute(statement).fetchall()
    reports.put(Report(time.perf_counter()))


def _items(waiting: Any) -> Iterator[str]:
    while (item := waiting.get(timeout=READY_WITHIN_SECONDS)) is not None:
        yield item
