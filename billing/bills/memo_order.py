"""Where the lines that people wrote stand on a bill: after the calculated ones (LIN-6)."""

from collections.abc import Sequence
from uuid import UUID

from billing.bills.reading import MEMO_TYPES
from billing.models import LineItem


def renumber(bill_ids: Sequence[UUID]) -> None:
    """Let the memos of bills follow their calculated lines, in the order they were written."""
    rows = LineItem.objects.filter(bill_id__in=bill_ids)
    by_bill: dict[UUID, list[LineItem]] = {}
    last: dict[UUID, int] = {}
    fields = ("id", "bill_id", "line_item_type", "sequence_number")
    for line in rows.order_by("bill_id", "created_at", "id").only(*fields):
        if line.line_item_type in MEMO_TYPES:
            by_bill.setdefault(line.bill_id, []).append(line)
        else:
            last[line.bill_id] = max(last.get(line.bill_id, 0), line.sequence_number)
    moved = []
    for bill_id, lines in by_bill.items():
        for number, line in enumerate(lines, start=last.get(bill_id, 0) + 1):
            if line.sequence_number != number:
                line.sequence_number = number
                moved.append(line)
    LineItem.objects.bulk_update(moved, ["sequence_number"])
