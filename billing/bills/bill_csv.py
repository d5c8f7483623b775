"""Bills as CSV, a row a line item: everything, or what Xero imports (E2).

At most 31 days and 5,000 bills at once. A bill without lines has no row. Texts that a spreadsheet
would take for a formula are defused.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from billing import representations as look
from billing.models import Bill, LineItem
from organizations.kernel import clock, csv_text, files
from organizations.kernel.errors import DomainError, FieldRefused
from organizations.kernel.money import ten_places
from organizations.models import StoredFile

STANDARD, XERO = "STANDARD", "XERO"
FORMATS = (STANDARD, XERO)
MOST_DAYS = 31
MOST_BILLS = 5000
AT_ONCE = 200
KEPT_FOR = timedelta(days=1)
PAIRS = (("startDate", "endDate"), ("externalInvoiceDateStart", "externalInvoiceDateEnd"))

BILL_COLUMNS = (
    "billId", "accountId", "accountCode", "accountName", "billDate", "startDate", "endDate",
    "dueDate", "externalInvoiceDate", "externalInvoiceReference", "sequentialInvoiceNumber",
    "status", "locked", "currency", "billTotal",
)  # fmt: skip
LINE_COLUMNS = (
    "id", "lineItemType", "sequenceNumber", "description", "quantity", "units", "unit", "subtotal",
    "currency", "conversionRate", "convertedSubtotal", "averageUnitPrice",
    "servicePeriodStartDate", "servicePeriodEndDate", "productId", "productCode", "productName",
    "accountingProductId", "accountingProductCode", "accountingProductName", "planId",
    "planGroupId", "pricingId", "aggregationId", "compoundAggregationId", "meterId", "contractId",
    "childAccountId", "childAccountCode", "counterId", "chargeId", "commitmentId", "balanceId",
    "creditTypeId", "referencedBillId", "referencedLineItemId", "reasonId",
)  # fmt: skip
# A name that both have is the bill's; the line's says whose it is.
RENAMED = {"id": "lineItemId", "currency": "lineItemCurrency"}
XERO_COLUMNS = (
    "ContactName", "EmailAddress", "POAddressLine1", "POAddressLine2", "POAddressLine3",
    "POAddressLine4", "POCity", "PORegion", "POPostalCode", "POCountry", "InvoiceNumber",
    "Reference", "InvoiceDate", "DueDate", "InventoryItemCode", "Description", "Quantity",
    "UnitAmount", "AccountCode", "TaxType", "Currency",
)  # fmt: skip


class TooManyBills(DomainError):
    """More bills than one file holds."""

    code = "TOO_MANY_BILLS"

    def __init__(self, count: int) -> None:
        super().__init__(
            f"{count:,} bills are in these days; a file holds at most {MOST_BILLS:,}. Ask for "
            "fewer days."
        )


@dataclass(frozen=True, slots=True)
class Days:
    """Which bills: those whose period lies within, or whose invoice date does.

    ``end`` is exclusive as the end of a bill is: June ends on 1 July.
    """

    first: date
    end: date
    of_invoice: bool = False


def days(asked: dict[str, date | None]) -> Days:
    """Return the one pair of dates a caller has named, refusing none, half of one, and both."""
    named = [name for pair in PAIRS for name in pair if asked.get(name)]
    for number, (start, stop) in enumerate(PAIRS):
        first, end = asked.get(start), asked.get(stop)
        if first and end and len(named) == 2:
            return _checked(Days(first, end, of_invoice=number == 1), stop)
    if len(named) > 2 or {name.startswith("external") for name in named} == {True, False}:
        raise FieldRefused(named[-1], f"cannot be combined with {named[0]}: name one pair of dates")
    missing = _missing(named)
    raise FieldRefused(missing, "name both dates of a pair: startDate and endDate, or "
                       "externalInvoiceDateStart and externalInvoiceDateEnd")  # fmt: skip


def _missing(named: Sequence[str]) -> str:
    for pair in PAIRS:
        if len(set(pair) & set(named)) == 1:
            return next(name for name in pair if name not in named)
    return "startDate"


def _checked(asked: Days, field: str) -> Days:
    if asked.end <= asked.first:
        raise FieldRefused(field, "must be after the first day")
    if (asked.end - asked.first).days > MOST_DAYS:
        raise FieldRefused(field, f"at most {MOST_DAYS} days at once")
    return asked


def write(
    organization_id: UUID,
    asked: Days,
    *,
    bills: QuerySet[Bill],
    lines: QuerySet[LineItem],
    layout: str = STANDARD,
    by: UUID | None = None,
) -> StoredFile:
    """Write the file; ``bills`` and ``lines`` are those the caller may read."""
    found = bills.filter(**_criteria(asked)).order_by("bill_date", "account_code", "pk")
    if (count := found.count()) > MOST_BILLS:
        raise TooManyBills(count)
    return files.write(
        organization_id,
        kind="bill_csv",
        name=f"bills-{asked.first}-{asked.end}-{layout.lower()}.csv",
        content_type="text/csv; charset=utf-8",
        chunks=encoded(list(found.values_list("pk", flat=True)), lines, layout),
        expires_at=clock.now() + KEPT_FOR,
        by=by,
    )


def _criteria(asked: Days) -> dict[str, date]:
    if asked.of_invoice:
        return {"external_invoice_date__gte": asked.first, "external_invoice_date__lt": asked.end}
    return {"start_date__gte": asked.first, "end_date__lte": asked.end}


def encoded(
    bill_ids: Sequence[UUID], lines: QuerySet[LineItem], layout: str = STANDARD
) -> Iterator[bytes]:
    """Yield the bytes of the bills in the order of their ids."""
    if layout == XERO:
        return csv_text.encoded(XERO_COLUMNS, _rows(bill_ids, lines, _of_xero))
    return csv_text.encoded(columns(), rows(bill_ids, lines))


def columns() -> tuple[str, ...]:
    """Return the names of the standard layout's columns."""
    return (*BILL_COLUMNS, *(RENAMED.get(name, name) for name in LINE_COLUMNS))


def rows(bill_ids: Sequence[UUID], lines: QuerySet[LineItem]) -> Iterator[list[Any]]:
    """Yield the rows of the standard layout."""
    return _rows(bill_ids, lines, _of_standard)


def _rows(bill_ids: Sequence[UUID], lines: QuerySet[LineItem], row: Any) -> Iterator[list[Any]]:
    for start in range(0, len(bill_ids), AT_ONCE):
        wanted = bill_ids[start : start + AT_ONCE]
        bills = Bill.objects.in_bulk(wanted)
        of_bill: dict[UUID, list[LineItem]] = {}
        for line in lines.filter(bill__in=wanted).order_by("sequence_number", "pk"):
            of_bill.setdefault(line.bill_id, []).append(line)
        for bill_id in wanted:
            for line in of_bill.get(bill_id, ()):
                yield row(bills[bill_id], line)


def _of_standard(bill: Bill, line: LineItem) -> list[Any]:
    of_bill = {**look.bill(bill), "billId": str(bill.pk), "accountName": bill.account_name}
    of_line = look.bill_line_item(line)
    return [
        *(of_bill[name] for name in BILL_COLUMNS),
        *(of_line[name] for name in LINE_COLUMNS),
    ]


def _of_xero(bill: Bill, line: LineItem) -> list[Any]:
    """A line of an invoice; what Xero multiplies is the amount of the bill's currency."""
    address = bill.account_address
    quantity, unit_amount = _multiplied(line)
    number = bill.invoice_reference or f"INV-{str(bill.pk)[-4:]}"
    return [
        bill.account_name, bill.account_email,
        *(address.get(f"addressLine{place}") for place in range(1, 5)),
        address.get("locality"), address.get("region"), address.get("postCode"),
        address.get("country"), number, bill.purchase_order_number,
        bill.external_invoice_date or bill.bill_date, bill.due_date,
        line.accounting_product_code or line.product_code, line.description, quantity,
        unit_amount, None, None, bill.currency,
    ]  # fmt: skip


def _multiplied(line: LineItem) -> tuple[Decimal, Decimal]:
    """Return quantity and price whose product is the line's amount, exactly; else 1 and it."""
    amount = line.converted_subtotal
    if line.units > 0 and line.unit:
        price = ten_places(amount / line.units)
        if price * line.units == amount:
            return line.units, price
    return Decimal(1), amount
