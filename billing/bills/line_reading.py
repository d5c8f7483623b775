"""Which lines of bills somebody may read: a bill may be open while its lines are not (A5.13.11)."""

from django.db.models import QuerySet

from billing.models import Bill, LineItem
from organizations.access import Rights

LINE = "billing:billLineItem"


def of_bill(rights: Rights, bill: Bill) -> QuerySet[LineItem]:
    """Return those lines of a bill that may be read, in no order."""
    return readable(rights, bill.line_items.all())


def readable(rights: Rights, lines: QuerySet[LineItem]) -> QuerySet[LineItem]:
    """Return those of the lines that may be read."""
    return rights.visible(lines, "config:retrieve", LINE)
