"""PURE: when a run that failed is tried again (A6)."""

from datetime import datetime, timedelta

SCHEDULE = tuple(map(float, (0, 30, 120, 600, 3600, 21_600)))
JITTER = 0.1
LIMIT = timedelta(hours=24)
THROTTLED_SECONDS = 60.0


def next_attempt_at(
    failed_at: datetime, *, attempts: int, jitter: float, retry_after: float | None = None
) -> datetime | None:
    """Return when to try again after so many attempts, None when there is none left."""
    if attempts >= len(SCHEDULE):
        return None
    wait = SCHEDULE[attempts] * (1 + jitter)
    return failed_at + timedelta(seconds=max(wait, retry_after or 0))


def after_throttling(at: datetime, *, retry_after: float | None, jitter: float) -> datetime:
    """Return when to go on after the system asked for fewer calls; it counts as no attempt."""
    wait = THROTTLED_SECONDS if retry_after is None else max(1.0, retry_after)
    return at + timedelta(seconds=wait * (1 + abs(jitter)))
