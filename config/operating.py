"""How the installation is doing, over all organizations and naming none of them.

Read in one place for the operator's page and for ``/metrics``: what waits and since when, what
failed, which servers are there, how much room is left.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import redis
from django.conf import settings
from django.db import connection

from billing.usage.store import months
from config import backups, heartbeat
from organizations.kernel import clock, isolation

_ASK_SECONDS = 1.0
# Kind of work, table, and which rows of it wait; each has an index on what is asked.
WORK = (
    ("bill runs", "billing_billjob", "status IN ('PENDING', 'INITIALIZING', 'RUNNING')"),
    ("webhook deliveries", "integrations_delivery",
     "status IN ('WAITING', 'AWAITING_RETRY', 'RATE_LIMIT_RETRY')"),
    ("integration runs", "integrations_integrationrun",
     "status IN ('WAITING', 'AWAITING_RETRY', 'RATE_LIMIT_RETRY', 'STARTED')"),
    ("export jobs", "integrations_exportjob", "status IN ('PENDING', 'RUNNING')"),
    ("statements", "billing_statementjob", "status IN ('PENDING', 'RUNNING')"),
)  # fmt: skip
TROUBLE = (
    ("accounts parked", "billing_billjobaccount", "status = 'PARKED'"),
    ("usage failures open", "billing_ingestfailure", "actioned_at IS NULL"),
    ("webhook destinations switched off", "integrations_webhookdestination", "NOT is_active"),
    ("integration runs failed", "integrations_integrationrun",
     "status IN ('ERROR', 'AUTH_FAILED')"),
    ("alerts not resolved", "organizations_alert", "status <> 'RESOLVED'"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Waiting:
    """Work of a kind: how much there is, and since when the oldest of it waits."""

    kind: str
    count: int
    oldest: datetime | None

    @property
    def seconds(self) -> float:
        """How long the oldest has waited."""
        return max(0.0, (clock.now() - self.oldest).total_seconds()) if self.oldest else 0.0


@dataclass(frozen=True, slots=True)
class Operation:
    """All of it. What cannot be asked is None, and the page says so."""

    work: list[Waiting]
    trouble: dict[str, int]
    queued: int | None
    has_worker: bool | None
    database_bytes: int
    partitions: int
    usage_bytes: int
    disk_total: int
    disk_free: int
    backups: backups.LastBackups


def look() -> Operation:
    """Return how the installation is doing; a fixed number of queries."""
    queued, has_worker = _broker()
    disk = shutil.disk_usage(settings.HOME if settings.HOME.exists() else "/")
    with isolation.everywhere(), connection.cursor() as cursor:
        work = [Waiting(*row) for row in _work(cursor)]
        trouble = dict(_trouble(cursor))
        cursor.execute("SELECT pg_database_size(current_database())")
        (database_bytes,) = cursor.fetchone()
        last_backups = backups.last()
    partitions, usage_bytes = months.size()
    return Operation(
        work=work,
        trouble=trouble,
        queued=queued,
        has_worker=has_worker,
        database_bytes=database_bytes,
        partitions=partitions,
        usage_bytes=usage_bytes,
        disk_total=disk.total,
        disk_free=disk.free,
        backups=last_backups,
    )


def _work(cursor: Any) -> Iterator[tuple[str, int, datetime | None]]:
    for kind, table, waits in WORK:
        # Names and conditions are those above.
        cursor.execute(f"SELECT count(*), min(created_at) FROM {table} WHERE {waits}")  # noqa: S608
        yield (kind, *cursor.fetchone())


def _trouble(cursor: Any) -> Iterator[tuple[str, int]]:
    for kind, table, condition in TROUBLE:
        cursor.execute(f"SELECT count(*) FROM {table} WHERE {condition}")  # noqa: S608
        yield kind, cursor.fetchone()[0]


def _broker() -> tuple[int | None, bool | None]:
    """Return how many tasks the broker holds and whether a worker is at work."""
    options = {"socket_timeout": _ASK_SECONDS, "socket_connect_timeout": _ASK_SECONDS}
    try:
        with redis.Redis.from_url(settings.BROKER_URL, **options) as client:
            queued = sum(int(client.llen(queue.name)) for queue in settings.CELERY_TASK_QUEUES)
        with redis.Redis.from_url(settings.REDIS_URL, **options) as client:
            return queued, bool(client.exists(heartbeat.KEY))
    except redis.RedisError:
        return None, None
