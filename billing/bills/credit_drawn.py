"""What bills draw from commitments and balances, stored with them (DRW-10, DRW-11, BAL-6).

Called inside the transaction that writes or deletes bills, on every write and delete. A bill after
those that drew another amount is marked: it was calculated with credit that is not there any more.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Sum

from billing import ledger
from billing.bills.moved import Moved, Replacing
from billing.models import (
    Account,
    Balance,
    BalanceTransaction,
    Bill,
    Commitment,
    LineItem,
    LineItemType,
)
from billing.representations_agreements import commitment as represent
from organizations.kernel import events, exact_json, ids
from organizations.kernel.among import Among
from organizations.kernel.money import ZERO
from organizations.kernel.principals import Principal

_FIELDS: dict[type[Any], str] = {Commitment: "commitment_id", Balance: "balance_id"}
EVENT = "configuration.commitment.updated"

_SPENT = """
UPDATE billing_commitment row SET amount_spent = new.amount
  FROM unnest(%s::uuid[], %s::numeric[]) AS new(id, amount)
 WHERE row.id = new.id
"""
_MARK = """
UPDATE billing_bill bill SET needs_recalculation = true
  FROM unnest(%s::uuid[], %s::date[]) AS written(account_id, boundary_date)
 WHERE bill.account_id = written.account_id AND bill.boundary_date > written.boundary_date
   AND NOT bill.is_locked AND NOT bill.needs_recalculation AND bill.id <> ALL(%s::uuid[])
"""


def spend(replacing: Replacing, moved: Sequence[Moved]) -> None:
    """Let each commitment's ``amountSpent`` be what all bills draw from it (INV-D)."""
    account_ids = {bill.account_id for bill in replacing.bills}
    # A parent's prepayment may pay for its children's bills (PAR-9).
    parents = Account.objects.filter(Among("pk", account_ids), parent_account__isnull=False)
    account_ids |= set(parents.values_list("parent_account_id", flat=True))
    rows = list(
        Commitment.objects.filter(Among("account_id", account_ids))
        .select_for_update(of=("self",))
        .order_by("id")
    )
    if not rows:
        return
    spent = _drawn_elsewhere(rows, [bill.pk for bill in replacing.bills])
    for one in moved:
        spent[one.movement.subject.id] += one.movement.amount
    changed = []
    for row in rows:
        if row.amount_spent != spent[row.pk]:
            before = exact_json.simple(represent(row))
            row.amount_spent = spent[row.pk]
            after = exact_json.simple(represent(row))
            changed.append(
                events.Change(row.organization_id, row.pk, row.account_id, before, after)
            )
    if changed:
        amounts = {change.resource_id: spent[change.resource_id] for change in changed}
        with connection.cursor() as cursor:
            cursor.execute(_SPENT, [ids.array(amounts), list(amounts.values())])
        events.record_changes(EVENT, changed, at=replacing.at)
        _mark_later(replacing, {change.account_id for change in changed})


def draw(replacing: Replacing, moved: Sequence[Moved]) -> None:
    """Let the ledgers of balances hold exactly what these bills draw."""
    rows = [
        BalanceTransaction(
            organization_id=one.bill.organization_id,
            balance_id=one.movement.subject.id,
            amount=-one.movement.amount,
            applied_date=one.movement.at or one.bill.start_at,
            transaction_date=replacing.at,
            entity_id=one.bill.pk,
            description=f"Bill of {one.bill.bill_date}",
        )
        for one in moved
    ]
    bill_ids = [bill.pk for bill in replacing.bills]
    changed = ledger.redraw(bill_ids, rows, by=replacing.by)
    if changed:
        accounts = Balance.objects.filter(Among("pk", changed)).values_list("account_id", flat=True)
        _mark_later(replacing, set(accounts))


def mark_bills_of(rows: Sequence[Any], *, by: Principal) -> None:
    """Mark the unlocked bills that drew from a commitment or balance that was deleted (COS-2)."""
    for row in rows:
        field = _FIELDS.get(type(row))
        if field is not None:
            lines = LineItem.objects.filter(**{field: row.pk})
            Bill.objects.filter(pk__in=lines.values("bill_id"), is_locked=False).update(
                needs_recalculation=True
            )


def _drawn_elsewhere(
    rows: Iterable[Commitment], bill_ids: Collection[UUID]
) -> dict[UUID | None, Decimal]:
    found: dict[UUID | None, Decimal] = defaultdict(lambda: ZERO)
    lines = (
        LineItem.objects.filter(
            Among("commitment_id", [row.pk for row in rows]),
            line_item_type=LineItemType.COMMITMENT_CONSUMED,
        )
        .exclude(bill_id__in=bill_ids)
        .order_by()
        .values_list("commitment_id")
        .annotate(Sum("subtotal"))
    )
    for commitment_id, total in lines:
        found[commitment_id] = -total
    return found


def _mark_later(replacing: Replacing, account_ids: Collection[UUID | None]) -> None:
    """Mark the unlocked bills after those that were written (DRW-11)."""
    first: dict[UUID, Bill] = {}
    for bill in replacing.bills:
        known = first.setdefault(bill.account_id, bill)
        if bill.boundary_date < known.boundary_date:
            first[bill.account_id] = bill
    known = {pk: bill.boundary_date for pk, bill in first.items() if pk in account_ids}
    written = [bill.pk for bill in replacing.bills]
    with connection.cursor() as cursor:
        cursor.execute(_MARK, [ids.array(known), list(known.values()), ids.array(written)])
