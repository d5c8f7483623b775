"""When a failed delivery is tried again (C5.3, C5.4). Pure: time and chance are arguments."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

# Delay after the previous failure; the first attempt is due at once. Ten attempts in 75.6 hours.
DELAYS = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
ATTEMPTS = len(DELAYS)
JITTER = 0.1
LONGEST_RETRY_AFTER = timedelta(hours=24)
OBEYS_RETRY_AFTER = frozenset({429, 503})


def next_attempt_at(
    *,
    failed_at: datetime,
    attempts: int,
    jitter: float,
    status_code: int | None = None,
    retry_after: str | None = None,
) -> datetime | None:
    """Return when to try again after ``attempts`` failures, or None when that was the last.

    ``jitter`` is between -0.1 and 0.1 of the planned delay. What the receiver asks for in
    ``Retry-After`` (429 and 503 only) counts when it is later than planned, at most 24 hours.
    """
    if attempts >= ATTEMPTS:
        return None
    planned = failed_at + DELAYS[attempts] * (1 + jitter)
    if status_code not in OBEYS_RETRY_AFTER:
        return planned
    asked = parse_retry_after(retry_after, at=failed_at)
    return max(planned, min(asked, failed_at + LONGEST_RETRY_AFTER)) if asked else planned


def parse_retry_after(value: str | None, *, at: datetime) -> datetime | None:
    """Return the instant a ``Retry-After`` value (seconds or date) names; None for others."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return at + min(timedelta(seconds=int(text[:9])), LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
