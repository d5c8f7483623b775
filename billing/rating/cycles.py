"""Billing cycles: where the boundaries between billing periods lie.

A cycle is (frequency, interval, epoch). The epoch is the date of the *first bill* (PER-2): bills
exist at ``boundary(0)``, ``boundary(1)``, ...; boundaries with a negative number carry no bill and
only measure nominal periods for proration (STC-5).
"""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final

import msgspec


class BillFrequency(StrEnum):
    """The frequencies of bills; those of ``CYCLIC`` have boundaries.

    AD_HOC bills carry what has a date of its own (PER-11), MIXED ones several cycles (JOB-13).
    """

    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    ANNUALLY = "ANNUALLY"
    AD_HOC = "AD_HOC"
    MIXED = "MIXED"


CYCLIC: Final = (
    BillFrequency.DAILY,
    BillFrequency.WEEKLY,
    BillFrequency.MONTHLY,
    BillFrequency.ANNUALLY,
)
CONSOLIDATED: Final = "*"
_DAYS: Final = {BillFrequency.DAILY: 1, BillFrequency.WEEKLY: 7}
_MONTHS: Final = {BillFrequency.MONTHLY: 1, BillFrequency.ANNUALLY: 12}


class Cycle(msgspec.Struct, frozen=True, gc=False):
    """A rhythm of bills. ``interval`` is 1..365 units of the frequency; MONTHLY + 3 = quarterly."""

    frequency: BillFrequency
    interval: int
    epoch: date

    def boundary(self, number: int) -> date:
        """Return boundary ``number``, always counted from the epoch (PER-6).

        An epoch on day 29..31 is clamped to the last day of a shorter month.
        """
        steps = number * self.interval
        if self.frequency in _DAYS:
            return self.epoch + timedelta(days=steps * _DAYS[self.frequency])
        return _add_months(self.epoch, steps * _MONTHS[self.frequency])

    def number_after(self, day: date) -> int:
        """Return the number of the first boundary after the day; may be negative."""
        if self.frequency in _DAYS:
            length = self.interval * _DAYS[self.frequency]
            return (day - self.epoch).days // length + 1
        length = self.interval * _MONTHS[self.frequency]
        months = (day.year - self.epoch.year) * 12 + day.month - self.epoch.month
        # The boundary of that month may, after clamping, lie on either side of the day.
        number = months // length
        return number if self.boundary(number) > day else number + 1

    def is_bill_date(self, day: date) -> bool:
        """Whether a bill of this cycle is dated on the day: a boundary from the epoch on."""
        return day >= self.epoch and self.boundary(self.number_after(day) - 1) == day


class BillKey(msgspec.Struct, frozen=True, gc=False, cache_hash=True):
    """What makes a bill of an account the same bill when it is calculated again (JOB-6).

    ``boundary`` is the natural end of its period, never a date that a job printed instead.
    ``grouping`` is empty, or names the contract or grouping key that has a bill of its own. With
    ``CONSOLIDATED`` in front the bill carries all cycles of its date, and what they are does not
    count (JOB-13).
    """

    frequency: BillFrequency
    interval: int
    boundary: date
    grouping: str = ""

    @property
    def is_consolidated(self) -> bool:
        """Whether it is the one bill of its date."""
        return self.grouping.startswith(CONSOLIDATED)

    @property
    def group(self) -> str:
        """The grouping of what stands on the bill, consolidated or not."""
        return self.grouping.removeprefix(CONSOLIDATED)

    @property
    def identity(self) -> tuple[str, int, date, str]:
        """What makes it this bill among those of its account."""
        return identity(self.frequency.value, self.interval, self.boundary, self.grouping)


def identity(
    frequency: str, interval: int, boundary: date, grouping: str
) -> tuple[str, int, date, str]:
    """Return what makes a bill the same one among those of its account (JOB-6)."""
    if grouping.startswith(CONSOLIDATED):
        return ("", 0, boundary, grouping)
    return (frequency, interval, boundary, grouping)


@lru_cache(maxsize=4096)
def _add_months(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if day.day <= 28:
        return date(year, month + 1, day.day)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
