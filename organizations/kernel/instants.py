"""How instants are written and read on the wire (B6.5)."""

import re
from datetime import UTC, date, datetime, time, tzinfo
from functools import lru_cache

# ``fromisoformat`` also reads weeks (2024-W01-1), ordinals and dates without hyphens.
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?"
    r"(Z|[+-][0-9]{2}(:?[0-9]{2})?)?",
    re.IGNORECASE,
)


def iso_instant(value: datetime | None) -> str | None:
    """Return UTC with ``Z`` and milliseconds: ``2026-01-02T03:04:05.678Z``."""
    if value is None:
        return None
    # Elsewhere the two hours of a change of the clock are equal to each other: not remembered.
    return _remembered(value) if value.tzinfo is UTC else _written(value)


def _written(value: datetime) -> str:
    return f"{value.astimezone(UTC).isoformat(timespec='milliseconds')[:-6]}Z"


# The periods of a thousand bills are the same, and so is the time at which they are written.
_remembered = lru_cache(maxsize=1024)(_written)


def is_instant(text: str) -> bool:
    """Return whether a text is written as ``YYYY-MM-DDThh:mm``, with what may follow."""
    return INSTANT.fullmatch(text) is not None


def parse_day(text: str) -> date:
    """Return the date of ``YYYY-MM-DD``; raises ValueError for every other spelling (B6.5)."""
    if not DAY.fullmatch(text):
        raise ValueError("not a date YYYY-MM-DD")
    return date.fromisoformat(text)


def parse_instant(text: str, *, zone: tzinfo = UTC) -> datetime:
    """Return the instant of an ISO 8601 text.

    Without offset a date-time is UTC; a plain date is midnight in ``zone``.
    Raises ValueError for anything else.
    """
    if len(text) == 10:
        return datetime.combine(parse_day(text), time.min, tzinfo=zone).astimezone(UTC)
    if not is_instant(text):
        raise ValueError("not an ISO 8601 date-time")
    value = datetime.fromisoformat(text.upper())  # RFC 3339 allows t and z
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
