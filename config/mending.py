"""What stands in the way of bills and usage, each with the page that mends it (dashboard)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from billing.admin.failures import NEXT_STEP
from billing.models import (
    Account,
    BillJob,
    BillJobAccount,
    IngestFailure,
    IngestFailureType,
    JobAccountStatus,
)
from catalog.models import Meter
from organizations.kernel.console import linking, plain_words
from organizations.kernel.money import MissingConversionRate
from organizations.models import OrganizationConfig

MOST_ACCOUNTS = 5
MOST_COUNTED = 1000
UNFINISHED = (JobAccountStatus.PENDING, JobAccountStatus.CANCELLED)
WITHOUT_PLAN = {"is_autocreated__exact": 1, "plan": "none"}


def of(request: HttpRequest, failures_since: datetime) -> dict[str, Any]:
    """Return what has to be mended of what the person may see; a bounded number of queries."""
    found = {
        "parked": _parked(request),
        "autocreated": _autocreated(request),
        "failures": _failures(request, failures_since),
    }
    return found if any(found.values()) else {}


def parked(jobs: QuerySet[BillJob]) -> QuerySet[BillJobAccount]:
    """Return the accounts of the jobs that no later job has billed since."""
    later = BillJobAccount.objects.filter(
        account_id=OuterRef("account_id"),
        bill_job__created_at__gt=OuterRef("bill_job__created_at"),
    ).exclude(status__in=UNFINISHED)
    rows = BillJobAccount.objects.filter(
        bill_job__in=jobs.filter(parked__gt=0).values("pk"), status=JobAccountStatus.PARKED
    )
    return rows.exclude(Exists(later))


def _parked(request: HttpRequest) -> dict[str, Any]:
    if not linking.to_list(request, BillJob):
        return {}
    organization = request.organization
    jobs = linking.seen(request, BillJob.objects.for_organization(organization))
    accounts = linking.seen(request, Account.objects.for_organization(organization))
    rows = parked(jobs).filter(account__in=accounts)
    count = rows[:MOST_COUNTED].count()
    if not count:
        return {}
    newest = rows.select_related("account").order_by("-bill_job__created_at", "account__name")
    shown = list(newest[:MOST_ACCOUNTS])
    return {
        "count": _counted(count),
        "more": max(0, count - len(shown)),
        "accounts": _accounts(request, shown),
    }


def _accounts(request: HttpRequest, rows: Sequence[BillJobAccount]) -> list[dict[str, Any]]:
    urls = linking.to_rows(request, Account, [row.account_id for row in rows])
    job_urls = linking.to_rows(request, BillJob, [row.bill_job_id for row in rows])
    rates = linking.to_list(request, OrganizationConfig)
    return [
        {
            "name": row.account.name,
            "url": urls.get(row.account_id, ""),
            "reason": plain_words.in_words(row.reason),
            "job_url": job_urls.get(row.bill_job_id, ""),
            "rates_url": rates if MissingConversionRate.is_told_by(row.reason) else "",
        }
        for row in rows
    ]


def _autocreated(request: HttpRequest) -> dict[str, Any]:
    url = linking.to_list(request, Account, **WITHOUT_PLAN)
    if not url:
        return {}
    rows = linking.seen(request, Account.objects.for_organization(request.organization))
    rows = rows.filter(is_autocreated=True, account_plans=None)
    count = rows[:MOST_COUNTED].count()
    return {"count": _counted(count), "is_one": count == 1, "url": url} if count else {}


def _failures(request: HttpRequest, since: datetime) -> list[dict[str, Any]]:
    """Return how many open failures of the latest days have each reason."""
    if not linking.to_list(request, IngestFailure):
        return []
    rows = linking.seen(request, IngestFailure.objects.for_organization(request.organization))
    rows = rows.filter(actioned_at=None, created_at__gte=since)
    if not rows.exists():
        return []
    counts = {kind: rows.filter(type=kind)[:MOST_COUNTED].count() for kind in IngestFailureType}
    return [
        {
            "words": kind.label,
            "count": _counted(count),
            "next_step": NEXT_STEP[kind.value],
            "url": linking.to_list(
                request, IngestFailure, type__exact=kind.value, created_at_from=since.date()
            ),
            "way": _way(request, kind),
        }
        for kind, count in counts.items()
        if count
    ]


def _way(request: HttpRequest, kind: IngestFailureType) -> tuple[str, str]:
    """Return words and address of the page that mends the cause, where one does."""
    if kind == IngestFailureType.InvalidAccountCode:
        return "Make an account", linking.to_form(request, Account)
    if kind == IngestFailureType.UndefinedMeter:
        return "Make a meter", linking.to_form(request, Meter)
    if kind in {IngestFailureType.MissingField, IngestFailureType.CalculationError}:
        return "Meters", linking.to_list(request, Meter)
    return "", ""


def _counted(count: int) -> str:
    return f"{count}+" if count == MOST_COUNTED else str(count)
