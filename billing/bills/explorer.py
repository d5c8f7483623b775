"""Line items of many bills, narrowed by time, kind and dimension: what the bill explorer reads.

A bill is of the time in which its period begins (FND-5).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import TruncMonth

from billing.models import LineItem
from organizations.kernel import ids
from organizations.kernel.errors import FieldRefused

MOST_LINES = 2000
USUAL_LINES = 100
ANY = "*"
# What can be filtered by, under the wire's names.
DIMENSIONS = {
    "account": "bill__account_code",
    "accountName": "bill__account_name",
    "accountId": "bill__account_id",
    "parentAccountCode": "bill__account__parent_account__code",
    "parentAccountName": "bill__account__parent_account__name",
    "parentAccountId": "bill__account__parent_account_id",
    "childAccountId": "child_account_id",
    "description": "description",
    "lineItemType": "line_item_type",
    "productName": "product_name",
    "quantityUnit": "unit",
    "subtotalUnit": "currency",
    "convertedSubtotalUnit": "bill__currency",
    "billId": "bill_id",
    "externalInvoiceReference": "bill__external_invoice_reference",
    "commitmentId": "commitment_id",
    "billLineItemId": "id",
}
OF_BILL = {
    "dueDate": "bill__due_date",
    "startDate": "bill__start_date",
    "endDate": "bill__end_date",
    "billDate": "bill__bill_date",
    "servicePeriodStartDate": "service_period_start",
    "servicePeriodEndDate": "service_period_end",
    "timezone": "bill__timezone",
    "billCurrency": "bill__currency",
    "billingFrequency": "bill__billing_frequency",
    "status": "bill__status",
    "locked": "bill__is_locked",
}
MEASURES = {
    "convertedSubtotal": "converted_subtotal",
    "subtotal": "subtotal",
    "version": "version",
    "conversionRate": "conversion_rate",
    "quantity": "quantity",
    "units": "units",
}
# What the console groups by: the column, and what people call it.
GROUPS = {
    "type": ("line_item_type", "Kind of line"),
    "product": ("product_name", "Product"),
    "account": ("bill__account_name", "Account"),
    "description": ("description", "Description"),
    "status": ("bill__status", "Status of the bill"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """Which lines: of bills that begin in ``start <= day < end``, by type and dimension."""

    start: date
    end: date
    types: Sequence[str]
    dimensions: Sequence[tuple[str, Sequence[str]]] = ()


def narrowed(lines: QuerySet[LineItem], asked: Asked) -> QuerySet[LineItem]:
    """Return those of the lines that are asked for."""
    if asked.end <= asked.start:
        raise FieldRefused("endDate", "must be after startDate")
    found = lines.filter(
        bill__start_date__gte=asked.start,
        bill__start_date__lt=asked.end,
        line_item_type__in=list(asked.types),
    )
    for at, (name, texts) in enumerate(asked.dimensions):
        if name not in DIMENSIONS:
            known = ", ".join(DIMENSIONS)
            raise FieldRefused(f"dimensions[{at}].name", f"must be one of {known}")
        if ANY not in texts:
            column = DIMENSIONS[name]
            values = [_value(at, name, text) for text in texts]
            found = found.filter(**{f"{column}__in": values})
    return found


def _value(at: int, name: str, text: str) -> Any:
    if not name.endswith("Id"):
        return text
    parsed = ids.parse(text)
    if parsed is None:
        raise FieldRefused(f"dimensions[{at}].filter", f"{text} is no id")
    return parsed


def lines(found: QuerySet[LineItem], *, limit: int) -> list[dict[str, Any]]:
    """Return lines as the wire has them, newest bill first; one query."""
    columns = {"modified_at", *DIMENSIONS.values(), *OF_BILL.values(), *MEASURES.values()}
    rows = found.order_by("-bill__start_date", "-bill_id", "sequence_number", "pk")
    return [_line(row) for row in rows.values(*columns)[:limit]]


def _line(row: dict[str, Any]) -> dict[str, Any]:
    begins: date = row["bill__start_date"]
    year, week, _ = begins.isocalendar()
    return {
        "updatedDate": row["modified_at"],
        "dimensions": {name: _text(row[column]) for name, column in DIMENSIONS.items()},
        "measures": {name: row[column] for name, column in MEASURES.items()},
        "billDetails": {
            "day": begins.day,
            "week": f"{year}-W{week:02}",
            "month": f"{begins:%B}",
            "year": begins.year,
            "yearMonth": f"{begins:%Y-%m}",
            **{name: _text(row[column]) for name, column in OF_BILL.items()},
        },
    }


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if value is None or hasattr(value, "isoformat") else str(value)


def totals(found: QuerySet[LineItem], group: str) -> list[dict[str, Any]]:
    """Return per month, group and currency how many lines there are and what they come to."""
    column, _ = GROUPS[group]
    return list(
        found.annotate(month=TruncMonth("bill__start_date"))
        .order_by()
        .values("month", "bill__currency", column)
        .annotate(count=Count("pk"), amount=Sum("converted_subtotal"))
        .order_by("month", "bill__currency", column)
    )
