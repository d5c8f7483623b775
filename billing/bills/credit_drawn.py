"""What bills draw from commitments and balances, stored with them (DRW-10, DRW-11, BAL-6).

Called inside the transaction that writes or deletes bills, on every write and delete. A bill after
those that drew another amount is marked: it was calculated with credit that is not there any more.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

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
from organizations.kernel import events, exact_json
from organizations.kernel.among import Among
from organizations.kernel.money import ZERO
from organizations.kernel.principals import Principal

_FIELDS: dict[type[Any], str] = {Commitment: "commitment_id", Balance: "balance_id"}
EVENT = "configuration.commitment.updated"


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
            row.save(update_fields=["amount_spent"])
            after = exact_json.simple(represent(row))
            changed.append(
                events.Change(row.organization_id, row.pk, row.account_id, before, after)
            )
    if changed:
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
    written = [bill.pk for bill in replacing.bills]
    for account_id, bill in first.items():
        if account_id in account_ids:
            Bill.objects.filter(
                account_id=account_id, boundary_date__gt=bill.boundary_date, is_locked=False
            ).exclude(pk__in=written).update(needs_recalculation=True)
