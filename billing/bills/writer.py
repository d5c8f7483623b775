"""Calculated bills to rows: the only writer of bills and their lines.

A bill that exists is updated in place and keeps its id and number; its lines are matched by
``line_key``, so that they keep their ids too, and memos are left alone (JOB-6, JOB-14). Locked
bills are never touched. Everything is written with a handful of statements, whatever the number
of bills; the caller's transaction holds the locks of the accounts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Sum
from django.db.models.base import ModelState

from billing import representations
from billing.bills import late_charges, line_rows, lock_dates, memo_order, movements
from billing.bills.calculation import Calculated
from billing.bills.movements import Moved, Replacing
from billing.bills.reading import MEMO_TYPES, AccountFacts
from billing.bills.selection import conversions_stored
from billing.bills.taken import Snapshot
from billing.models import Bill, BillJob, BillStatus, JobAccountStatus, LineItem
from billing.rating.cycles import identity
from billing.statements import jobs
from organizations.kernel import bulk, changes, clock, ids
from organizations.kernel.among import Among
from organizations.kernel.money import ZERO
from organizations.kernel.periods import local_date
from organizations.kernel.principals import Principal

Identity = tuple[UUID, str, int, Any, str]
_NEW: tuple[UUID | None, int] = (None, 0)


@dataclass(slots=True)
class _Writing:
    """One call of ``write``: who writes when, what exists, and what is done to which bill."""

    snapshot: Snapshot
    job: BillJob | None
    by: Principal
    at: datetime
    existing: dict[Identity, Bill]
    memos: dict[UUID, Decimal]
    blank: Bill
    closed_until: date | None
    created: list[tuple[Bill, Calculated]] = field(default_factory=list)
    updated: list[tuple[Bill, Calculated, dict[str, Any]]] = field(default_factory=list)
    emptied: list[Bill] = field(default_factory=list)

    @property
    def bills(self) -> list[tuple[Bill, Calculated]]:
        """The bills that are stored, new and old."""
        return [*self.created, *(pair[:2] for pair in self.updated)]


def write(
    snapshot: Snapshot,
    calculated: Iterable[tuple[AccountFacts, Sequence[Calculated]]],
    *,
    job: BillJob | None,
    by: Principal,
    at: datetime,
) -> dict[UUID, JobAccountStatus]:
    """Store the bills of the accounts; returns what became of each account.

    To be called inside a transaction that holds the accounts' locks. Events and audit entries
    are written in the same transaction.
    """
    calculated = list(calculated)
    closed = lock_dates.held(snapshot.organization_id)
    existing = _lock_existing(bill for _, bills in calculated for bill in bills)
    memo_totals = _memo_totals(existing.values())
    blank = _blank(snapshot, by, at)
    writing = _Writing(snapshot, job, by, at, existing, memo_totals, blank, closed)
    outcomes = {facts.id: _sort_out(writing, facts, bills) for facts, bills in calculated}
    _store_bills(writing)
    moved = _store_lines(writing)
    movements.replace(Replacing([bill for bill, _ in writing.bills], by, at), moved)
    if memo_totals:
        memo_order.renumber(list(memo_totals))
    changes.created_many([bill for bill, _ in writing.created], by=by)
    changes.updated_many([(bill, before) for bill, _, before in writing.updated], by=by)
    delete(writing.emptied, by=by, at=at)
    return outcomes


def delete(bills: Sequence[Bill], *, by: Principal, at: datetime | None = None) -> None:
    """Delete bills with their lines and record it; the caller has locked and checked them."""
    if not bills:
        return
    gone = [(bill, representations.bill(bill)) for bill in bills]
    bill_ids = [bill.pk for bill in bills]
    movements.replace(Replacing(bills, by, at or clock.now()), ())
    jobs.forget(bill_ids, by=by)
    late_charges.forget(bill_ids, by=by)
    LineItem.objects.filter(Among("bill_id", bill_ids))._raw_delete("default")
    Bill.objects.filter(Among("pk", bill_ids))._raw_delete("default")
    changes.deleted_many(gone, by=by)


def _lock_existing(calculated: Iterable[Calculated]) -> dict[Identity, Bill]:
    """Lock the bills that exist now, in order of id; another run may just have made one."""
    identities = {_identity(bill) for bill in calculated}
    if not identities:
        return {}
    found = (
        Bill.objects.filter(
            Among("account_id", {identity[0] for identity in identities}),
            boundary_date__in={identity[3] for identity in identities},
        )
        .select_for_update()
        .order_by("id")
    )
    rows = {
        (
            bill.account_id,
            *identity(
                bill.billing_frequency,
                bill.bill_frequency_interval,
                bill.boundary_date,
                bill.grouping,
            ),
        ): bill
        for bill in found
    }
    return {identity: bill for identity, bill in rows.items() if identity in identities}


def _identity(bill: Calculated) -> Identity:
    return (bill.rated.account_id, *bill.rated.key.identity)


def _memo_totals(bills: Iterable[Bill]) -> dict[UUID, Decimal]:
    """Return by bill the sum of the lines that people wrote on it."""
    bill_ids = [bill.pk for bill in bills]
    if not bill_ids:
        return {}
    return dict(
        LineItem.objects.filter(Among("bill_id", bill_ids), line_item_type__in=MEMO_TYPES)
        .values_list("bill_id")
        .annotate(Sum("converted_subtotal"))
    )


def _sort_out(
    writing: _Writing, facts: AccountFacts, bills: Sequence[Calculated]
) -> JobAccountStatus:
    """Put each bill of an account with the created, the updated or the emptied ones."""
    has_locked = writing.snapshot.accounts[facts.id].locked > 0
    is_billed = False
    for bill in bills:
        row = writing.existing.get(_identity(bill))
        if row is not None and row.is_locked:
            has_locked = True
        elif _is_suppressed(writing, bill, row):
            if row is not None:
                writing.emptied.append(row)
                is_billed = True
        else:
            _take_up(writing, facts, bill, row)
            is_billed = True
    if is_billed:
        return JobAccountStatus.BILLED
    return JobAccountStatus.LOCKED if has_locked else JobAccountStatus.NOTHING


def _is_suppressed(writing: _Writing, bill: Calculated, row: Bill | None) -> bool:
    """Whether an empty bill is not to exist (JOB-8); an approved one is kept as a pending one."""
    if bill.rated.lines:
        return False
    if not writing.snapshot.suppresses_empty_bills:
        return row is None and not _has_active_plan(bill)
    return row is None or (row.status == BillStatus.PENDING and row.pk not in writing.memos)


def _has_active_plan(bill: Calculated) -> bool:
    """Whether a plan is in force in the period that is over; one may only begin after it."""
    source = bill.source.input
    return any(term.period.overlaps(source.period) for term in source.account_plans)


def _take_up(writing: _Writing, facts: AccountFacts, bill: Calculated, row: Bill | None) -> None:
    """Make or change the row of a bill; it is stored with all others."""
    if row is None:
        lock_dates.check_open(writing.closed_until, bill.rated.key.boundary)
        row = _like(writing.blank, id=ids.new_id(), account_id=facts.id)
        writing.created.append((row, bill))
    else:
        writing.updated.append((row, bill, representations.bill(row)))
        row.version += 1
    fill(
        row,
        bill,
        facts,
        writing.memos.get(row.pk, ZERO),
        job=writing.job,
        by=writing.by,
        at=writing.at,
    )


def _blank(snapshot: Snapshot, by: Principal, at: datetime) -> Bill:
    """Return what all new bills have in common."""
    return Bill(
        organization_id=snapshot.organization_id,
        created_at=at,
        created_by=by.id,
        is_awaiting_number=snapshot.has_invoice_prefix,
    )


def _like(blank: Bill, **fields: Any) -> Bill:
    """Return another such row; asking forty fields for their defaults takes ten times as long."""
    row = Bill.__new__(Bill)
    row.__dict__.update(blank.__dict__, _state=ModelState(), **fields)
    return row


def fill(
    row: Bill,
    bill: Calculated,
    facts: AccountFacts,
    memos: Decimal,
    *,
    job: BillJob | None,
    by: Principal,
    at: datetime,
) -> None:
    """Set every field that a calculation decides; an approved bill is pending again (JOB-7).

    ``memos`` is the sum of the lines that people wrote on the bill.
    """
    _print_account(row, facts)
    row.purchase_order_number = bill.source.purchase_order_number
    _print_period(row, bill)
    row.overrides = bill.source.overrides.stored()
    row.total = bill.rated.total + memos
    row.was_approved = row.was_approved or row.status == BillStatus.APPROVED
    row.status, row.approved_at, row.approved_by = BillStatus.PENDING, None, None
    if job is not None:
        row.bill_job_id = job.pk
    row.needs_recalculation = False
    row.latest_calculated_at = row.modified_at = at
    row.modified_by = by.id


def _print_account(row: Bill, facts: AccountFacts) -> None:
    """Keep what is printed of the account, so that a rename changes no locked bill (LIN-4)."""
    row.account_code, row.account_name = facts.code, facts.name
    row.account_address, row.account_email = facts.address, facts.email_address


def _print_period(row: Bill, bill: Calculated) -> None:
    source, rated = bill.source, bill.rated
    key, period = rated.key, rated.period
    row.boundary_date, row.grouping = key.boundary, key.grouping
    row.billing_frequency, row.bill_frequency_interval = key.frequency.value, key.interval
    row.start_at, row.end_at = period.start, period.end
    row.start_date, row.end_date = local_date(period.start, source.input.timezone), key.boundary
    row.bill_date, row.due_date = source.dates.bill_date, source.dates.due_date
    row.external_invoice_date = source.dates.external_invoice_date
    row.timezone, row.currency = source.timezone, rated.currency
    row.currency_conversions = conversions_stored(source.input.conversion_rates)


def _store_bills(writing: _Writing) -> None:
    bulk.insert_values(Bill, bulk.rows_of([bill for bill, _ in writing.created]))
    bulk.update(Bill, bulk.rows_of([bill for bill, _, _ in writing.updated]))


def _store_lines(writing: _Writing) -> list[Moved]:
    """Insert new lines, update those with a known key, delete those that are charged no more.

    Returns what the lines move.
    """
    known = _known_lines([bill.pk for bill, _, _ in writing.updated])
    kinds = line_rows.Kinds(writing.snapshot, at=writing.at, by=writing.by.id)
    new_ids = iter(ids.new_ids(sum(len(bill.rated.lines) for _, bill in writing.bills)))
    new, old = [], []
    moved: list[Moved] = []
    for bill, calculated in writing.bills:
        bill_id = bill.pk
        for line in calculated.rated.lines:
            known_id, version = known.pop((bill_id, line.line_key), _NEW) if known else _NEW
            line_id = known_id or next(new_ids)
            row = kinds.values(line, line_id=line_id, version=version + 1, bill_id=bill_id)
            (new if known_id is None else old).append(row)
            moved += [Moved(bill, line_id, movement) for movement in line.movements]
    if known:
        LineItem.objects.filter(Among("pk", [line_id for line_id, _ in known.values()])).delete()
    bulk.insert_values(LineItem, kinds.rows(new))
    bulk.update(LineItem, kinds.rows(old), stamps=line_rows.STAMPS)
    return moved


def _known_lines(bill_ids: Sequence[UUID]) -> dict[tuple[UUID, str], tuple[UUID, int]]:
    """Return (id, version) of the calculated lines of bills by (bill, line key); memos left out."""
    if not bill_ids:
        return {}
    rows = (
        LineItem.objects.filter(Among("bill_id", bill_ids))
        .exclude(line_item_type__in=MEMO_TYPES)
        .values_list("bill_id", "line_key", "id", "version")
    )
    return {(bill_id, key): (line_id, version) for bill_id, key, line_id, version in rows}
