"""Bills and lines as rows, without a bill run: what a document may have to print."""

import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pypdf

from billing.models import Bill, LineItem
from organizations.models import Organization
from tests import factories

JUNE = (datetime(2024, 6, 1, tzinfo=UTC), datetime(2024, 7, 1, tzinfo=UTC))


def make_bill(organization: Organization, **overrides: Any) -> Bill:
    """A bill of June 2024 without lines."""
    fields = {
        "account": factories.make_account(organization),
        "account_code": "acme",
        "account_name": "Acme Robotics Ltd",
        "account_email": "ap@acme.example",
        "account_address": {
            "addressLine1": "1 Foundry Lane",
            "locality": "Sheffield",
            "postCode": "S1 2AB",
            "country": "United Kingdom",
        },
        "boundary_date": date(2024, 7, 1),
        "billing_frequency": "MONTHLY",
        "start_date": date(2024, 6, 1),
        "end_date": date(2024, 7, 1),
        "start_at": JUNE[0],
        "end_at": JUNE[1],
        "bill_date": date(2024, 7, 1),
        "due_date": date(2024, 7, 31),
        "currency": "USD",
        "total": Decimal(0),
        "latest_calculated_at": JUNE[1],
        "invoice_reference": "INVOICE-101",
        "purchase_order_number": "PO-4711",
    }
    return Bill.objects.create(organization=organization, **{**fields, **overrides})


def make_line(bill: Bill, **overrides: Any) -> LineItem:
    """A stored usage line of 1,500 tokens in two bands: 100 + 25."""
    line = unsaved_line(bill, bill.line_items.count() + 1, **overrides)
    line.save()
    return line


def unsaved_line(bill: Bill, number: int, **overrides: Any) -> LineItem:
    fields = {
        "line_key": str(number),
        "line_item_type": "USAGE",
        "sequence_number": number,
        "description": "Input tokens",
        "quantity": Decimal(1500),
        "units": Decimal(1500),
        "unit": "tokens",
        "subtotal": Decimal(125),
        "currency": "USD",
        "converted_subtotal": Decimal(125),
        "product_name": "Inference",
        "service_period_start": JUNE[0],
        "service_period_end": JUNE[1],
        "band_usage": [
            band(lower=0, unit_price="0.1", units=1000, subtotal=100),
            band(lower=1000, unit_price="0.05", units=500, subtotal=25),
        ],
        "calculation": {"bands": [{"lowerLimit": "0"}, {"lowerLimit": "1000"}]},
    }
    fields |= {"organization_id": bill.organization_id, "bill_id": bill.pk}
    return LineItem(**{**fields, **overrides})


def band(*, lower: Any, unit_price: Any, units: Any, subtotal: Any, fixed: Any = 0) -> Any:
    """A band as line items store it."""
    return {
        "lowerLimit": Decimal(lower),
        "fixedPrice": Decimal(fixed),
        "unitPrice": Decimal(unit_price),
        "bandUnits": Decimal(units),
        "unitSubtotal": Decimal(subtotal) - Decimal(fixed) if fixed else Decimal(subtotal),
        "bandSubtotal": Decimal(subtotal),
    }


def pages(written: bytes) -> list[str]:
    """The text of each page."""
    reader = pypdf.PdfReader(io.BytesIO(written))
    return [page.extract_text() for page in reader.pages]
