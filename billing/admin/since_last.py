"""The part of a bill's page that says what changed since the last bill."""

from decimal import Decimal
from typing import Any

from django.http import HttpRequest

from billing.admin import bill_page
from billing.bills import what_changed
from billing.models import Bill
from organizations.kernel.console import linking, show


def context_of(request: HttpRequest, bill: Bill) -> dict[str, Any]:
    """Return sentences with signed amounts; nothing where there is no bill before to read."""
    change = what_changed.of(request.permissions, bill)
    if change is None:
        return {"changed": None}
    return {
        "changed": {
            "previous": bill_page.reference(change.previous),
            "previous_url": linking.to_row(request, change.previous),
            "previous_total": show.money(change.previous.total, change.previous.currency),
            "difference": signed(change.why.difference, bill.currency) if change.why else "",
            "sentences": [
                (text, signed(amount, bill.currency) if amount else "")
                for text, amount in what_changed.sentences(change)
            ],
        }
    }


def signed(amount: Decimal, currency: str) -> str:
    """Return an amount with its sign, also where it is more."""
    return f"{'+' if amount > 0 else ''}{show.money(amount, currency)}"
