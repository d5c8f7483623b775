"""Filters of the list of bills that are not those of a column (C8.1)."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from billing.admin import jobs
from billing.models import BillJob
from organizations.kernel import ids
from organizations.kernel.console import choices, linking

MONTHS = 13
MOST_JOBS = 50


class MonthFilter(DropdownFilter):
    """Bills by the month their period ends in: the coming one, this one and the year before."""

    title = "month of the period"
    parameter_name = "month"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the months, latest first."""
        months = _months_until(_following(choices.today(request)))
        return [(f"{month:%Y-%m}", f"{month:%B %Y}") for month in months]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Compare with both ends; what is no month has no bills."""
        if not self.value():
            return queryset
        try:
            month = date.fromisoformat(f"{self.value()}-01")
            # The end is exclusive: a period that ends with October has its end on 1 November.
            return queryset.filter(end_date__gt=month, end_date__lte=_following(month))
        except ValueError:
            return queryset.none()


class JobFilter(DropdownFilter):
    """Bills by the job that made or calculated them last: one of the 50 newest, or the chosen."""

    title = "bill job"
    parameter_name = "job"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the jobs one may read, when and what."""
        rows = linking.seen(request, BillJob.objects.for_organization(request.organization))
        newest = list(rows.newest_first()[:MOST_JOBS])
        chosen = ids.parse(self.value())
        if chosen is not None and all(job.pk != chosen for job in newest):
            newest += rows.filter(pk=chosen)
        return [
            (str(job.pk), f"{job.created_at:%Y-%m-%d %H:%M} {jobs.describe(job)}") for job in newest
        ]

    def has_output(self) -> bool:
        """Stay when there are no jobs (any more): the address may name one."""
        return True

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Compare the job; what is no id has no bills."""
        if not self.value():
            return queryset
        job_id = ids.parse(self.value())
        return queryset.filter(bill_job=job_id) if job_id else queryset.none()


def _following(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _months_until(latest: date) -> Iterator[date]:
    count = latest.year * 12 + latest.month - 1
    for number in range(count, count - MONTHS, -1):
        yield date(number // 12, number % 12 + 1, 1)
