"""PostgreSQL or Redis may be away: tell that apart from a failure of ours, and do not wait for it.

Nothing here looks at requests: the edge answers 503, a cache goes on without Redis.
"""

import logging
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import django.db
import kombu.exceptions
import redis

# SQLSTATE classes and codes: connection lost, shutting down or starting, no connection free.
LOST = "08"
AWAY = {"57P01", "57P02", "57P03", "53300"}
# The transaction was undone to let another one through; it succeeds when it comes again.
COLLIDED = {"40001", "40P01"}
TRIES_AFTER_COLLISION = 2
SECONDS_BETWEEN_WARNINGS = 5.0
Result = TypeVar("Result")


def is_passing(error: BaseException | None) -> bool:
    """Return whether an error comes from a server that is away, so that trying again helps."""
    if isinstance(error, (redis.ConnectionError, redis.TimeoutError)):
        return True
    if isinstance(error, kombu.exceptions.OperationalError):
        return True
    if not isinstance(error, (django.db.OperationalError, django.db.InterfaceError)):
        return False
    state = getattr(error.__cause__, "sqlstate", None)
    # Without a state the server has not answered at all.
    return state is None or state.startswith(LOST) or state in AWAY | COLLIDED


def again_after_collision(work: Callable[..., Result]) -> Callable[..., Result]:
    """Return the work, done again when PostgreSQL undid it to let another transaction through.

    Only where the work is its own transaction; inside a larger one the error rises.
    """

    @wraps(work)
    def done(*args: Any, **named: Any) -> Result:
        for _ in range(TRIES_AFTER_COLLISION):
            try:
                return work(*args, **named)
            except django.db.OperationalError as error:
                state = getattr(error.__cause__, "sqlstate", None)
                if state not in COLLIDED or django.db.connection.in_atomic_block:
                    raise
        return work(*args, **named)

    return done


class Breaker:
    """Calls a server that answers within its timeout; one that did not is left alone a while.

    While it is left alone nobody waits for it: callers get the other answer at once.
    """

    def __init__(self, name: str, *, rest_seconds: float = 5.0) -> None:
        self.logger = logging.getLogger(name)
        self.rest_seconds = rest_seconds
        self._rests_until = 0.0

    def call(self, ask: Callable[[], Result], otherwise: Callable[[], Result]) -> Result:
        """Return what ``ask`` returns, or ``otherwise`` while Redis is away."""
        if time.monotonic() < self._rests_until:
            return otherwise()
        try:
            return ask()
        except redis.RedisError as error:  # also: read only, out of memory
            self._rests_until = time.monotonic() + self.rest_seconds
            self.logger.warning(
                "Redis is away, going on without it for %g s: %s", self.rest_seconds, error
            )
            return otherwise()

    def forget(self) -> None:
        """Ask the server again with the next call."""
        self._rests_until = 0.0


class OutageFilter(logging.Filter):
    """Makes one line every few seconds of an outage, instead of a traceback for every request."""

    def __init__(self) -> None:
        super().__init__()
        self._latest = -SECONDS_BETWEEN_WARNINGS

    def filter(self, record: logging.LogRecord) -> bool:
        """Drop what was just said; say the rest as a warning without traceback."""
        error = record.exc_info[1] if record.exc_info else None
        if not is_passing(error):
            return True
        now = time.monotonic()
        if now - self._latest < SECONDS_BETWEEN_WARNINGS:
            return False
        self._latest = now
        record.msg, record.args = "Answered 503: %s", (str(error).strip(),)
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.exc_info = record.exc_text = None
        return True
