"""Credits and debits that people write on a bill (billing.md 11.2).

They count at once: the bill's total follows, an approved bill is pending again, a locked one
refuses. A calculation neither makes nor changes them (MEM-4).
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Max, Sum

from billing.bills.lifecycle import BillLocked
from billing.models import Bill, BillStatus, LineItem, LineItemType
from billing.rating.lines import LineType, line_key
from billing.rating.subjects import Attribution, Subject, SubjectKind
from catalog.models import Product
from organizations.kernel import changes, clock, ids, registry
from organizations.kernel.errors import FieldRefused, NotFound, VersionMismatch, check_each
from organizations.kernel.money import (
    ZERO,
    Currency,
    RoundingMode,
    average_unit_price,
    plain,
    round_money,
    working_precision,
)
from organizations.kernel.principals import Principal
from organizations.models import CreditReason, DebitReason
from organizations.models import Currency as CurrencyRow

KIND: Final = "memo"
REASONS: Final[dict[str, Any]] = {
    LineItemType.CREDIT_MEMO.value: CreditReason,
    LineItemType.DEBIT_MEMO.value: DebitReason,
}


@dataclass(frozen=True, slots=True)
class Memo:
    """What somebody writes: an amount above zero, whichever way it counts.

    ``applied`` is the part of it that counts on this bill (MEM-5); what is left out of the
    service period is that of the bill (MEM-3).
    """

    amount: Decimal
    description: str
    applied: Decimal | None = None
    product: Product | None = None
    accounting_product: Product | None = None
    reason: Any = None
    referenced_bill_id: UUID | None = None
    referenced_line_item_id: UUID | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    @property
    def counts(self) -> Decimal:
        """How much of the amount counts on the bill."""
        return self.amount if self.applied is None else self.applied


def reason_field(line_type: str) -> str:
    """Return what the wire calls the reason."""
    return "creditReasonId" if line_type == LineItemType.CREDIT_MEMO else "debitReasonId"


def add(bill: Bill, line_type: str, memo: Memo, *, by: Principal) -> LineItem:
    """Write a credit or a debit on a bill. Raises ``BillLocked`` and refusals by field."""
    with transaction.atomic(), changes.refusing():
        held = _held(bill)
        line = LineItem(id=ids.new_id(), organization_id=held.organization_id, bill=held)
        _check(held, line_type, memo, stored=None)
        _fill(line, held, line_type, memo)
        last = held.line_items.aggregate(last=Max("sequence_number"))["last"]
        line.sequence_number = (last or 0) + 1
        changes.create(line, by=by)
        _retotal(held, by=by)
    return line


def change(line: LineItem, memo: Memo, *, version: int | None, by: Principal) -> LineItem:
    """Write other values on a credit or debit."""
    with transaction.atomic(), changes.refusing():
        held = _held(line.bill)
        current = _current(line)
        if version is not None and version != current.version:
            raise VersionMismatch(sent=version, stored=current.version)
        _check(held, current.line_item_type, memo, stored=current)
        with changes.editing(current, by=by) as row:
            _fill(row, held, row.line_item_type, memo)
        _retotal(held, by=by)
    return row


def remove(line: LineItem, *, by: Principal) -> LineItem:
    """Take a credit or debit off its bill."""
    with transaction.atomic(), changes.refusing():
        held = _held(line.bill)
        gone = changes.delete(_current(line), by=by)
        _retotal(held, by=by)
    return gone


def _held(bill: Bill) -> Bill:
    row = Bill.objects.select_for_update().filter(pk=bill.pk).first()
    if row is None:
        raise NotFound
    if row.is_locked:
        raise BillLocked(row)
    return row


def _current(line: LineItem) -> LineItem:
    row = LineItem.objects.filter(pk=line.pk, line_item_type__in=REASONS).first()
    if row is None:
        raise NotFound
    return row


def _check(bill: Bill, line_type: str, memo: Memo, *, stored: LineItem | None) -> None:
    check_each(
        lambda: _check_amounts(memo),
        lambda: _check_description(memo),
        lambda: _check_reason(bill, line_type, memo, stored),
        lambda: _check_references(bill, memo),
        lambda: _check_period(bill, memo),
    )


def _check_amounts(memo: Memo) -> None:
    if memo.amount <= 0:
        raise FieldRefused("amount", "must be greater than 0")
    if memo.applied is not None and not 0 <= memo.applied <= memo.amount:
        raise FieldRefused("amountToApplyOnBill", "must be from 0 to the amount")


def _check_description(memo: Memo) -> None:
    if not memo.description.strip():
        raise FieldRefused("description", "must not be empty")


def _check_reason(bill: Bill, line_type: str, memo: Memo, stored: LineItem | None) -> None:
    """Refuse a bill without reasons to choose from (MEM-1), and archived ones (MEM-7)."""
    reasons, field = REASONS[line_type], reason_field(line_type)
    if not reasons.objects.filter(organization_id=bill.organization_id).exists():
        raise FieldRefused(field, "make at least one such reason before it is used")
    reason = memo.reason
    if reason is None or (stored is not None and stored.reason_id == reason.pk):
        return
    if reason.is_archived:
        raise FieldRefused(field, f"{reason.name} is archived")


def _check_references(bill: Bill, memo: Memo) -> None:
    """Refuse one reference without the other, and what is of another account (MEM-2)."""
    if (memo.referenced_bill_id is None) != (memo.referenced_line_item_id is None):
        missing = "referencedBillId" if memo.referenced_bill_id is None else "referencedLineItemId"
        raise FieldRefused(missing, "give both the bill and the line item, or neither")
    if memo.referenced_bill_id is None:
        return
    bills = Bill.objects.filter(pk=memo.referenced_bill_id, account_id=bill.account_id)
    if not bills.exists():
        raise FieldRefused("referencedBillId", "no such bill of this account")
    lines = LineItem.objects.filter(
        pk=memo.referenced_line_item_id, bill_id=memo.referenced_bill_id
    )
    if not lines.exists():
        raise FieldRefused("referencedLineItemId", "no such line item of that bill")


def _check_period(bill: Bill, memo: Memo) -> None:
    starts, ends = memo.starts_at or bill.start_at, memo.ends_at or bill.end_at
    if ends < starts:
        raise FieldRefused("servicePeriodEndDate", "must not be before servicePeriodStartDate")


def _fill(line: LineItem, bill: Bill, line_type: str, memo: Memo) -> None:
    """Set what the memo says; it is in the bill's currency (MEM-2)."""
    sign = -1 if line_type == LineItemType.CREDIT_MEMO else 1
    with working_precision():
        subtotal = sign * round_money(memo.counts, _currency(bill))
        line.average_unit_price = average_unit_price(subtotal, Decimal(1))
    line.line_item_type, line.description = line_type, memo.description
    line.subtotal = line.converted_subtotal = subtotal
    line.quantity = line.units = line.conversion_rate = Decimal(1)
    line.currency = bill.currency
    line.service_period_start = memo.starts_at or bill.start_at
    line.service_period_end = memo.ends_at or bill.end_at
    _name(line, "product", memo.product)
    _name(line, "accounting_product", memo.accounting_product or memo.product)
    line.reason_id = memo.reason.pk if memo.reason else None
    line.referenced_bill_id = memo.referenced_bill_id
    line.referenced_line_item_id = memo.referenced_line_item_id
    line.line_key = line_key(
        LineType(line_type),
        Subject(SubjectKind.MEMO, line.pk),
        Attribution(bill.account_id),
        bill.start_at,
    )
    line.calculation = {
        "kind": KIND,
        "amount": plain(memo.amount),
        "applied": plain(memo.counts),
    }


def _name(line: LineItem, field: str, product: Product | None) -> None:
    """Keep id, code and name: a later rename changes no bill (LIN-4)."""
    for part, value in (
        ("id", product.pk if product else None),
        ("code", product.code if product else None),
        ("name", product.name if product else None),
    ):
        setattr(line, f"{field}_{part}", value)


def _currency(bill: Bill) -> Currency:
    row = CurrencyRow.objects.filter(
        organization_id=bill.organization_id, code=bill.currency
    ).first()
    if row is None:
        return Currency(bill.currency)
    return Currency(row.code, row.max_decimal_places, RoundingMode(row.rounding_mode))


def _retotal(bill: Bill, *, by: Principal) -> None:
    """Add the bill up again, with its event; an approved one is pending again (MEM-4)."""
    before = registry.of(bill).represent(bill)
    total = bill.line_items.aggregate(total=Sum("converted_subtotal"))["total"]
    bill.total = total or ZERO
    if bill.status == BillStatus.APPROVED:
        bill.was_approved = True
        bill.status, bill.approved_at, bill.approved_by = BillStatus.PENDING, None, None
    bill.version += 1
    bill.modified_at, bill.modified_by = clock.now(), by.id
    bill.save()
    changes.updated_many([(bill, before)], by=by)


def amount_of(line: LineItem) -> Decimal:
    """Return the amount as it was written, above zero."""
    return Decimal(line.calculation.get("amount", plain(abs(line.subtotal))))


def applied_of(line: LineItem) -> Decimal:
    """Return how much of the amount counts on the bill."""
    return Decimal(line.calculation.get("applied", plain(abs(line.subtotal))))
