"""A worker's hold on a chunk: taken once, kept while it works, gone soon after it dies.

A thread beside the work extends the lease, so that a long read is not mistaken for a dead
worker: others would begin the same read and make it longer still.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import F, Q

from billing.models import BillJobChunk, BillJobStatus, ChunkStatus
from organizations.kernel import clock

LEASE = timedelta(seconds=settings.BILL_CHUNK_LEASE_SECONDS)
# A worker that hangs loses its chunk after this long.
KEPT_AT_MOST = timedelta(minutes=30)

logger = logging.getLogger(__name__)


def take(chunk_id: UUID | str) -> BillJobChunk | None:
    """Lease the chunk; ``None`` when it is done, held by another worker, or its job not running."""
    now = clock.now()
    taken = BillJobChunk.objects.filter(
        Q(lease_ends_at__isnull=True) | Q(lease_ends_at__lt=now),
        pk=chunk_id,
        status=ChunkStatus.PENDING,
        bill_job__status=BillJobStatus.RUNNING,
    ).update(lease_ends_at=now + LEASE, attempts=F("attempts") + 1)
    if not taken:
        return None
    return BillJobChunk.objects.select_related("bill_job").get(pk=chunk_id)


@contextmanager
def keeping(chunk: BillJobChunk) -> Iterator[None]:
    """Extend the lease again and again inside the block."""
    is_over = threading.Event()
    # The thread sees what we see; of itself it would see nothing.
    keep = partial(copy_context().run, _keep, chunk.pk, is_over)
    thread = threading.Thread(target=keep, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join(timeout=LEASE.total_seconds())


def _keep(chunk_id: UUID, is_over: threading.Event) -> None:
    interval = LEASE / 3
    try:
        for _ in range(KEPT_AT_MOST // interval):
            if is_over.wait(interval.total_seconds()):
                return
            _extend(chunk_id)
    finally:
        connection.close()


def _extend(chunk_id: UUID) -> None:
    try:
        BillJobChunk.objects.filter(pk=chunk_id, status=ChunkStatus.PENDING).update(
            lease_ends_at=clock.now() + LEASE
        )
    except DatabaseError as error:
        # The work itself will notice when the database stays away.
        logger.warning("The lease of chunk %s was not extended: %s", chunk_id, error)
        connection.close()
