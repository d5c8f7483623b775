"""How instants are written and read on the wire (B6.5)."""

from datetime import UTC, date, datetime, time, tzinfo


def iso_instant(value: datetime | None) -> str | None:
    """Return UTC with ``Z`` and milliseconds: ``2026-01-02T03:04:05.678Z``."""
    if value is None:
        return None
    value = value.astimezone(UTC)
    return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}Z"


def parse_instant(text: str, *, zone: tzinfo = UTC) -> datetime:
    """Return the instant of an ISO 8601 text.

    Without offset a date-time is UTC; a plain date is midnight in ``zone``.
    Raises ValueError for anything else.
    """
    if len(text) == 10:
        return datetime.combine(date.fromisoformat(text), time.min, tzinfo=zone).astimezone(UTC)
    if "T" not in text.upper() and " " not in text:
        raise ValueError("not an ISO 8601 date-time")
    value = datetime.fromisoformat(text)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
