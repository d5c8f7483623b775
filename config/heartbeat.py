"""Workers tell that they are at work: a key in Redis that each renews and that expires.

Written from the worker's own event loop, so a worker that hangs or has lost the broker falls
silent. Asking the workers over the broker instead would take a second for every question.
"""

import contextlib
from typing import Any, ClassVar

import redis
from celery import bootsteps
from django.conf import settings

KEY = "billwright:worker-at-work"
EVERY_SECONDS = 3.0
SILENT_AFTER_SECONDS = 12


class Heartbeat(bootsteps.StartStopStep):
    """The part of a worker that renews the key, which all workers share."""

    requires: ClassVar[set[str]] = {"celery.worker.components:Timer"}

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self.client = redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1
        )
        self.entry: Any = None

    def start(self, worker: Any) -> None:
        self.beat()
        self.entry = worker.timer.call_repeatedly(EVERY_SECONDS, self.beat, priority=10)

    def stop(self, worker: Any) -> None:
        if self.entry is not None:
            self.entry.cancel()

    def beat(self) -> None:
        # /health tells by itself that Redis is away; the next beat tries again.
        with contextlib.suppress(redis.RedisError):
            self.client.set(KEY, "1", ex=SILENT_AFTER_SECONDS)
