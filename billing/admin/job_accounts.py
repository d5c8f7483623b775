"""The accounts of a bill job, page by page: outcome, reason, and the bills it made for each."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Count
from django.http import HttpRequest

from billing.admin import overview
from billing.models import Account, Bill, BillJob, BillJobAccount, JobAccountStatus
from organizations.kernel.console import linking, plain_words, show

A_PAGE = 50
COLOURS = {"BILLED": "good", "PARKED": "warn", "PENDING": "busy", "CANCELLED": "bad"}


def of(request: HttpRequest, job: BillJob) -> dict[str, Any]:
    """Return a page of the accounts, narrowed by outcome if asked; a fixed number of queries."""
    outcome = request.GET.get("outcome", "")
    rows = job.accounts.select_related("account").order_by("account__name", "pk")
    counts = dict(job.accounts.order_by().values_list("status").annotate(Count("pk")))
    if outcome in JobAccountStatus.values:
        rows = rows.filter(status=outcome)
    page = Paginator(rows, A_PAGE).get_page(request.GET.get("page"))
    parked = job.accounts.filter(status=JobAccountStatus.PARKED).select_related("account")
    return {
        "parked": _shown(request, job, list(parked.order_by("account__name", "pk")[:A_PAGE])),
        "parked_more": max(0, counts.get(JobAccountStatus.PARKED, 0) - A_PAGE),
        "accounts": _shown(request, job, list(page)),
        "outcomes": _outcomes(counts, outcome),
        "page": page,
        "page_links": _links(page, outcome),
    }


def _outcomes(counts: dict[str, int], chosen: str) -> list[dict[str, Any]]:
    """Return what the list can be narrowed to, with how many there are."""
    kinds = [(str(kind.value), str(kind.label)) for kind in JobAccountStatus if kind in counts]
    return [
        {"words": "All", "count": sum(counts.values()), "query": "?", "is_chosen": not chosen},
        *(
            {
                "words": label,
                "count": counts[value],
                "query": "?" + urlencode({"outcome": value}),
                "is_chosen": value == chosen,
            }
            for value, label in kinds
        ),
    ]


def _links(page: Page[BillJobAccount], outcome: str) -> list[tuple[str, str]]:
    """Return words and query of the pages before and after."""
    around = []
    if page.has_previous():
        around.append(("Previous", page.previous_page_number()))
    if page.has_next():
        around.append(("Next", page.next_page_number()))
    kept = {"outcome": outcome} if outcome else {}
    return [(words, "?" + urlencode({**kept, "page": number})) for words, number in around]


def _shown(
    request: HttpRequest, job: BillJob, rows: Sequence[BillJobAccount]
) -> list[dict[str, Any]]:
    account_ids = [row.account_id for row in rows]
    urls = linking.to_rows(request, Account, account_ids)
    bills = _bills(request, job, account_ids)
    return [
        {
            "name": row.account.name,
            "code": row.account.code,
            "url": urls.get(row.account_id, ""),
            "status": row.get_status_display(),
            "colour": COLOURS.get(row.status, "plain"),
            "reason": plain_words.in_words(row.reason),
            "bills": bills.get(row.account_id, []),
        }
        for row in rows
    ]


def _bills(
    request: HttpRequest, job: BillJob, account_ids: Sequence[UUID]
) -> dict[UUID, list[dict[str, str]]]:
    """Return by account what the person may read of the bills the job calculated last."""
    if not account_ids:
        return {}
    rows = Bill.objects.filter(bill_job=job, account_id__in=account_ids)
    found: dict[UUID, list[dict[str, str]]] = {}
    for bill in linking.seen(request, rows).order_by("start_date", "pk"):
        found.setdefault(bill.account_id, []).append(
            {
                "period": overview.period_so_far(bill),
                "total": show.money(bill.total, bill.currency),
                "url": show.address(bill),
            }
        )
    return found
