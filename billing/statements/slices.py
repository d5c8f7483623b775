"""Time slices of a statement: calendar days to weeks to years, as the bill's timezone has them."""

from datetime import date, datetime, timedelta, tzinfo

from billing.models import AggregationFrequency
from organizations.kernel.periods import Period, local_midnight

# The words of PostgreSQL's date_trunc; a week begins on Monday.
WORDS: dict[str, str] = {
    AggregationFrequency.DAY: "day",
    AggregationFrequency.WEEK: "week",
    AggregationFrequency.MONTH: "month",
    AggregationFrequency.QUARTER: "quarter",
    AggregationFrequency.YEAR: "year",
    AggregationFrequency.WHOLE_PERIOD: "",
}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def bounds(
    first_day: date | None, word: str, period: Period, zone: tzinfo
) -> tuple[datetime, datetime]:
    """Return where a slice begins and ends, cut to the period of the line."""
    end = period.end or period.start
    if first_day is None:
        return period.start, end
    begins = local_midnight(first_day, zone)
    ends = local_midnight(_next(first_day, word), zone)
    return max(begins, period.start), min(ends, end)


def _next(day: date, word: str) -> date:
    if word in _MONTHS:
        months = day.year * 12 + day.month - 1 + _MONTHS[word]
        return date(months // 12, months % 12 + 1, 1)
    return day + timedelta(days=7 if word == "week" else 1)
