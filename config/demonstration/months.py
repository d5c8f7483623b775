"""The months of the demonstration, counted back from its present instant. UTC throughout."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta


@dataclass(frozen=True, slots=True)
class Months:
    """Two full months and the running one, seen from ``now``."""

    now: datetime

    @property
    def running(self) -> date:
        """The first day of the month that is not over."""
        return self.now.date().replace(day=1)

    @property
    def latest(self) -> date:
        """The first day of the last full month: its bills wait for approval."""
        return first_of_month(self.running, -1)

    @property
    def older(self) -> date:
        """The first day of the month before: its bills are approved and locked."""
        return first_of_month(self.running, -2)

    @property
    def days(self) -> list[date]:
        """Every day with usage, the present one included."""
        count = (self.now.date() - self.older).days + 1
        return [self.older + timedelta(days=number) for number in range(count)]


def first_of_month(day: date, months: int) -> date:
    """Return the first day of the month so many months after (or before) the day's own."""
    number = day.year * 12 + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def last_day(month: date) -> date:
    """Return the last day of a month given by its first."""
    return first_of_month(month, 1) - timedelta(days=1)


def midnight(day: date) -> datetime:
    """Return the instant at which a day begins."""
    return datetime.combine(day, time(), UTC)
