"""What a bill's document says: all of it as finished text, ready for the layout.

Printed ranges include their last day, as readers of an invoice expect, while stored ends are
exclusive. Amounts are in the bill's currency; unit prices, bands and what was converted are in
the line's own. Figures are never rounded here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from billing.bills.document import lines
from billing.bills.document.lines import Writing
from billing.bills.document.locales import Locale
from billing.bills.document.text import monogram, printable
from billing.bills.periods_over import is_so_far
from billing.models import Bill, BillStatus, LineItem
from organizations.kernel.money import working_precision
from organizations.models import Organization

Content = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Material:
    """Everything the document is made of. ``places`` are the decimals of currencies by code."""

    bill: Bill
    line_items: Sequence[LineItem]
    supplier: Organization
    places: Mapping[str, int]
    locale: Locale
    logo: bytes | None = None
    is_copy: bool = False
    is_complete: bool = True  # False: some lines are kept from the reader


def build(material: Material) -> Content:
    """Return the document's text."""
    with working_precision():
        return _build(material)


def _build(material: Material) -> Content:
    bill, locale = material.bill, material.locale
    writing = Writing(locale, material.places, bill.currency, bill.timezone)
    words = locale.words
    groups = lines.groups(material.line_items, writing)
    reference = printable(reference_of(bill))
    has_times = any(not writing.is_whole_days(line) for line in material.line_items)
    notes = [words["timezone"].format(timezone=bill.timezone)] if has_times else []
    if not material.is_complete:
        notes.append(words["left_out"])
    return {
        "language": locale.language,
        "paper": locale.paper,
        "words": words,
        "title": f"{words['invoice']} {reference}",
        "reference": reference,
        "draft": _mark(material),
        "supplier": _supplier(material),
        "customer": _customer(material),
        "facts": _facts(material, reference),
        "groups": groups,
        "total": writing.billed(bill.total),
        "due": words["due_by"].format(day=locale.day(bill.due_date)) if bill.due_date else None,
        "note": " ".join(notes) or None,
    }


def _mark(material: Material) -> str | None:
    """Return the word across the pages: of a bill that may change, or of one given out again."""
    words = material.locale.words
    if material.bill.status == BillStatus.PENDING:
        return words["draft"]
    return words["copy"] if material.is_copy else None


def reference_of(bill: Bill) -> str:
    """Return the invoice number, or what stands for it while there is none (NUM-2)."""
    return bill.invoice_reference or f"INV-{str(bill.pk)[-4:]}"


def _supplier(material: Material) -> Content:
    supplier = material.supplier
    details = postal_lines(supplier.address)
    if supplier.tax_id:
        details.append(f"{material.locale.words['tax_id']}: {printable(supplier.tax_id)}")
    return {
        "name": printable(supplier.name),
        "monogram": monogram(supplier.name),
        "logo": list(material.logo) if material.logo else None,
        "bank": _paragraph(supplier.bank_details),
        "footer": _paragraph(supplier.document_footer),
        "details": details,
    }


def _paragraph(text: str) -> list[str]:
    """Return the lines of a text that a person has typed."""
    return [printable(line) for line in text.splitlines()] if text.strip() else []


def _customer(material: Material) -> Content:
    bill = material.bill
    details = postal_lines(bill.account_address)
    if bill.account_email:
        details.append(printable(bill.account_email))
    return {"name": printable(bill.account_name), "details": details}


def _facts(material: Material, reference: str) -> list[tuple[str, str]]:
    """Return the labelled values beside the addresses; what is not known is left out."""
    bill, locale, words = material.bill, material.locale, material.locale.words
    # DAT-3: stored as [start, end), printed with the last day included.
    period = locale.days(bill.start_date, bill.end_date - timedelta(days=1))
    purchase_order = bill.purchase_order_number or material.supplier.purchase_order_number
    facts: list[tuple[str, object]] = [
        (words["reference"], reference),
        (words["bill_date"], locale.day(bill.bill_date)),
        (words["invoice_date"], _unless_same(bill.external_invoice_date, bill.bill_date, locale)),
        (words["due_date"], locale.day(bill.due_date) if bill.due_date else ""),
        (words["period"], f"{period} ({words['so_far']})" if is_so_far(bill) else period),
        (words["account"], bill.account_code),
        (words["purchase_order"], purchase_order),
        (words["payment_reference"], material.supplier.invoice_general_reference),
    ]
    return [(label, printable(value)) for label, value in facts if value]


def _unless_same(day: date | None, other: date, locale: Locale) -> str:
    return locale.day(day) if day and day != other else ""


def postal_lines(address: Mapping[str, Any] | None) -> list[str]:
    """Return an address as the lines of a letter; absent parts leave no empty line."""
    known = address if isinstance(address, Mapping) else {}
    parts = {name: printable(value) for name, value in known.items() if value}
    town = " ".join(filter(None, (parts.get("postCode"), parts.get("locality"))))
    streets = [parts.get(f"addressLine{number}") for number in (1, 2, 3, 4)]
    return [line for line in (*streets, town, parts.get("region"), parts.get("country")) if line]
