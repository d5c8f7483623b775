"""Times in calculations: milliseconds since 1970, and texts in the patterns of Java.

Known in a pattern: yyyy MM dd HH mm ss SSS, X (Z, +01 or +0130), XXX (Z or +01:00), quoted text
and punctuation. Without an offset in the text, and without a zone, the organization's counts.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import lru_cache

from catalog.calculations.faults import CalculationFailed
from catalog.calculations.numbers import Number
from organizations.kernel.errors import FieldRefused
from organizations.kernel.periods import parse_timezone

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
_PARTS = re.compile(r"yyyy|MM|dd|HH|mm|ss|SSS|XXX|X|'(?:[^']|'')*'|[^A-Za-z']", re.DOTALL)
_READ = {
    "yyyy": r"(?P<year>\d{4})",
    "MM": r"(?P<month>\d\d)",
    "dd": r"(?P<day>\d\d)",
    "HH": r"(?P<hour>\d\d)",
    "mm": r"(?P<minute>\d\d)",
    "ss": r"(?P<second>\d\d)",
    "SSS": r"(?P<millis>\d{3})",
    "X": r"(?P<offset>Z|[+-]\d\d(?:\d\d)?)",
    "XXX": r"(?P<offset>Z|[+-]\d\d:\d\d)",
}
_WRITE: dict[str, Callable[[datetime], str]] = {
    "yyyy": lambda at: f"{at.year:04}",
    "MM": lambda at: f"{at.month:02}",
    "dd": lambda at: f"{at.day:02}",
    "HH": lambda at: f"{at.hour:02}",
    "mm": lambda at: f"{at.minute:02}",
    "ss": lambda at: f"{at.second:02}",
    "SSS": lambda at: f"{at.microsecond // 1000:03}",
    "X": lambda at: _offset(at, "").removesuffix("00") if at.utcoffset() else "Z",
    "XXX": lambda at: _offset(at, ":") if at.utcoffset() else "Z",
}


def instant(millis: Number, zone: tzinfo) -> datetime:
    """Return the local time of milliseconds since 1970."""
    try:
        return (EPOCH + int(millis) * MILLISECOND).astimezone(zone)
    except (OverflowError, ValueError):
        raise CalculationFailed("the time is not between the years 1 and 9999") from None


def milliseconds(at: datetime) -> Decimal:
    """Return the milliseconds from 1970 to a time."""
    return Decimal((at - EPOCH) // MILLISECOND)


@lru_cache(maxsize=512)
def named_zone(name: str) -> tzinfo:
    """Return the timezone of a name; raises ``CalculationFailed``."""
    try:
        return parse_timezone(name)
    except FieldRefused:
        raise CalculationFailed(f"there is no timezone {name[:80]}") from None


def format_time(millis: Number, pattern: str, zone: tzinfo) -> str:
    """Return the time as text."""
    at = instant(millis, zone)
    return "".join(_WRITE[part](at) if part in _WRITE else _literal(part) for part in _cut(pattern))


def parse_time(text: str, pattern: str, zone: tzinfo) -> Decimal:
    """Return the milliseconds of a time in text."""
    found = _reader(pattern).fullmatch(text)
    if found is None:
        raise CalculationFailed(f"{text[:80]} is no time of the form {pattern[:80]}")
    parts = found.groupdict()
    numbers = [int(parts.get(name) or first) for name, first in _FIRSTS]
    try:
        local = datetime(*numbers, int(parts.get("millis") or 0) * 1000)  # type: ignore[arg-type, call-arg]  # noqa: DTZ001
        return milliseconds(local.replace(tzinfo=_zone(parts.get("offset"), zone)))
    except (ValueError, OverflowError):
        raise CalculationFailed(f"{text[:80]} is no time") from None


_FIRSTS = (("year", 1970), ("month", 1), ("day", 1), ("hour", 0), ("minute", 0), ("second", 0))


def _zone(offset: str | None, zone: tzinfo) -> tzinfo:
    if offset is None:
        return zone
    if offset == "Z":
        return UTC
    digits = offset[1:].replace(":", "").ljust(4, "0")
    length = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-length if offset[0] == "-" else length)


def _offset(at: datetime, colon: str) -> str:
    minutes = int((at.utcoffset() or timedelta()).total_seconds()) // 60
    sign, minutes = ("-", -minutes) if minutes < 0 else ("+", minutes)
    return f"{sign}{minutes // 60:02}{colon}{minutes % 60:02}"


@lru_cache(maxsize=512)
def _cut(pattern: str) -> tuple[str, ...]:
    parts = tuple(_PARTS.findall(pattern))
    if len(pattern) > 100 or "".join(parts) != pattern:
        raise CalculationFailed(f"{pattern[:80]} is no form of a time")
    return parts


@lru_cache(maxsize=512)
def _reader(pattern: str) -> re.Pattern[str]:
    parts = _cut(pattern)
    try:
        return re.compile("".join(_READ.get(part) or re.escape(_literal(part)) for part in parts))
    except re.error:  # a part that is there twice
        raise CalculationFailed(f"{pattern[:80]} is no form of a time that can be read") from None


def _literal(part: str) -> str:
    if part == "''":
        return "'"
    return part[1:-1].replace("''", "'") if part.startswith("'") else part
