"""Statements as files, JSON and CSV; written as a stream, whatever the number of rows."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import QuerySet

from billing.models import Bill, LineItem, StatementDefinition
from billing.statements.content import BY_DAY, Layout, Lines, UsageRow, header, layout_of
from organizations.kernel import csv_text, exact_json

PIECE = 64 * 1024
JSON_TYPE, CSV_TYPE = "application/json", "text/csv; charset=utf-8"
CSV_COLUMNS = (
    "billId", "accountCode", "accountName", "lineItemId", "lineItemType", "productCode",
    "productName", "description", "segment", "unit", "startDate", "endDate", "kind",
)  # fmt: skip


def as_json(
    bill: Bill, definition: StatementDefinition | None, lines: QuerySet[LineItem]
) -> Iterator[bytes]:
    """Yield the statement as one JSON object."""
    layout = BY_DAY if definition is None else layout_of(definition)
    return _joined(_json_parts(bill, definition, layout, lines))


def _json_parts(
    bill: Bill, definition: StatementDefinition | None, layout: Layout, lines: QuerySet[LineItem]
) -> Iterator[bytes]:
    yield exact_json.dumps(header(bill, definition))[:-1] + b',"lineItems":['
    content = Lines(bill, layout, lines)
    for number, line in enumerate(content):
        yield (b"," if number else b"") + exact_json.dumps(_line(line, layout))[:-1] + b',"usage":['
        for place, row in enumerate(content.usage(line)):
            yield (b"," if place else b"") + exact_json.dumps(_usage(row, layout))
        yield b"]}"
    yield b"]}"


def _line(line: LineItem, layout: Layout) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": str(line.pk),
        "lineItemType": line.line_item_type,
        "description": line.description,
        "quantity": line.quantity,
        "units": line.units,
        "unit": line.unit,
    }
    if layout.has_price:
        told["pricePerUnit"] = line.average_unit_price
    if layout.is_slim:
        return told
    return {
        **told,
        "productCode": line.product_code,
        "productName": line.product_name,
        "childAccountCode": line.child_account_code,
        "segment": line.segment,
        "servicePeriodStartDate": line.service_period_start,
        "servicePeriodEndDate": line.service_period_end,
        "subtotal": line.subtotal,
        "currency": line.currency,
        "convertedSubtotal": line.converted_subtotal,
    }


def _usage(row: UsageRow, layout: Layout) -> dict[str, Any]:
    told: dict[str, Any] = {
        "kind": row.kind,
        "startDate": row.start_at,
        "endDate": row.end_at,
        "quantity": row.quantity,
    }
    if row.quantity is None:
        told["value"] = row.value
    if row.dimensions or not layout.is_slim:
        told["dimensions"] = row.dimensions
    if row.measures or not layout.is_slim:
        told["measures"] = row.measures
    return told


def as_csv(
    bill: Bill, definition: StatementDefinition | None, lines: QuerySet[LineItem]
) -> Iterator[bytes]:
    """Yield the statement as a table: one row for each row of usage."""
    layout = BY_DAY if definition is None else layout_of(definition)
    dimensions = list(dict.fromkeys(name for _, name, _ in layout.dimensions))
    price = ("pricePerUnit",) if layout.has_price else ()
    columns = (*CSV_COLUMNS, *dimensions, "quantity", "value", *price, "measures")
    return csv_text.encoded(columns, _csv_rows(bill, layout, lines, dimensions))


def _csv_rows(
    bill: Bill, layout: Layout, lines: QuerySet[LineItem], dimensions: list[str]
) -> Iterator[list[Any]]:
    content = Lines(bill, layout, lines)
    for line in content:
        about = [
            str(bill.pk), bill.account_code, bill.account_name, str(line.pk),
            line.line_item_type, line.product_code, line.product_name, line.description,
            ", ".join(f"{name}: {value}" for name, value in line.segment.items()), line.unit,
        ]  # fmt: skip
        price = [line.average_unit_price] if layout.has_price else []
        for row in content.usage(line):
            yield [
                *about, row.start_at, row.end_at, row.kind,
                *(row.dimensions.get(name) for name in dimensions),
                row.quantity, row.value, *price, _measures(row),
            ]  # fmt: skip


def _measures(row: UsageRow) -> str:
    return "; ".join(f"{name} {csv_text.cell(value)}" for name, value in row.measures.items())


def _joined(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield pieces of some size instead of many small ones."""
    held: list[bytes] = []
    size = 0
    for part in parts:
        held.append(part)
        size += len(part)
        if size >= PIECE:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)
