"""Who may read a whole statement: whoever may read the bill and every line of it (A5.13.11)."""

from collections.abc import Collection, Sequence
from uuid import UUID

from billing.bills import line_reading
from billing.models import Bill, LineItem
from organizations.access import Rights
from organizations.kernel.errors import Forbidden

BILL = "billing:bill"


def whole(rights: Rights, bills: Sequence[Bill]) -> Collection[UUID]:
    """Return the ids of those bills of which everything may be read."""
    bill_ids = [bill.pk for bill in bills]
    if not bill_ids:
        return set()
    seen = set(
        rights.visible(Bill.objects.filter(pk__in=bill_ids), "config:retrieve", BILL).values_list(
            "pk", flat=True
        )
    )
    if not seen or not _may_read_lines(rights):
        return set()
    lines = LineItem.objects.filter(bill__in=seen)
    readable = line_reading.readable(rights, lines).values("pk")
    return seen - set(lines.exclude(pk__in=readable).values_list("bill_id", flat=True))


def require_whole(rights: Rights, bill: Bill) -> None:
    """Raise ``Forbidden`` when part of the bill is hidden."""
    if bill.pk not in whole(rights, [bill]):
        raise Forbidden


def _may_read_lines(rights: Rights) -> bool:
    return rights.allows_some("config:retrieve", line_reading.LINE)
