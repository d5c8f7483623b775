"""The line items of bills as a file for people, streamed; only lines that they may read."""

import re
from datetime import date
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse

from billing.bills import bill_csv, line_reading
from billing.models import Bill, LineItem
from organizations.kernel import csv_text

WORD = re.compile(r"[A-Z][a-z]*|^[a-z]+")


def response(request: HttpRequest, bills: QuerySet[Bill]) -> StreamingHttpResponse:
    """Stream the lines of the bills, in the order of the bills."""
    ids = list(bills.values_list("pk", flat=True))
    return StreamingHttpResponse(
        csv_text.encoded(titles(), bill_csv.rows(ids, _readable(request))),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{_name(bills, ids)}"'},
    )


def titles() -> list[str]:
    """Return the columns in words: ``servicePeriodEndDate`` is "Service period end date"."""
    return [_words(name) for name in bill_csv.columns()]


def _words(name: str) -> str:
    return " ".join(word.lower() for word in WORD.findall(name)).capitalize()


def _readable(request: HttpRequest) -> QuerySet[LineItem]:
    lines = LineItem.objects.for_organization(request.organization)
    return line_reading.readable(request.permissions, lines)


def _name(bills: QuerySet[Bill], ids: list[UUID]) -> str:
    if len(ids) != 1:
        return "line-items.csv"
    first: date = bills.values_list("start_date", flat=True)[0]
    return f"line-items-{first}.csv"
