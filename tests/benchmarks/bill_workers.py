"""The processes of the bill run's benchmark; each loads Django only when it needs it."""

import multiprocessing
import os
import queue
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psycopg

WORKERS = 2
READY_WITHIN_SECONDS = 60


def share_out(
    work: Callable[..., None], items: Sequence[str]
) -> tuple[float, list[tuple[int, int]]]:
    """Let the processes take the items one by one; return seconds, and the memory of each."""
    from tests.benchmarks.workload import database_url

    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(WORKERS + 1)
    waiting, memory = context.Queue(), context.Queue()
    for item in items:
        waiting.put(item)
    processes = [
        context.Process(target=work, args=(database_url(), waiting, gate, memory))
        for _ in range(WORKERS)
    ]
    for process in processes:
        process.start()
    gate.wait(READY_WITHIN_SECONDS)
    begun = time.perf_counter()
    measured = [memory.get() for _ in processes]
    seconds = max(ended for ended, *_ in measured) - begun
    for process in processes:
        process.join()
        if process.exitcode:
            raise RuntimeError("A worker failed.")
    return seconds, [(first, last) for _, first, last in measured]


def bill_chunks(url: str, waiting: Any, gate: Any, memory: Any) -> None:
    """Bill chunks as the Celery task does; notes the peak memory after the first and the last."""
    os.environ["DATABASE_URL"] = url
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from django.db import connection

    from billing import tasks

    connection.ensure_connection()
    gate.wait(READY_WITHIN_SECONDS)
    used = []
    for chunk_id in _items(waiting):
        tasks.bill_chunk(chunk_id=chunk_id)
        used.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    memory.put((time.perf_counter(), used[0] if used else 1, used[-1] if used else 1))


def read(url: str, waiting: Any, gate: Any, memory: Any) -> None:
    """Execute statements and fetch their rows, nothing else."""
    with psycopg.connect(url) as bare:
        gate.wait(READY_WITHIN_SECONDS)
        for statement in _items(waiting):
            bare.execute(statement).fetchall()
    memory.put((time.perf_counter(), 1, 1))


def _items(waiting: Any) -> Iterator[str]:
    while True:
        try:
            yield waiting.get_nowait()
        except queue.Empty:
            return
