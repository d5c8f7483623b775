"""What has a bill date of its own: which bill carries it (CHG-3, FEE-6, JOB-16, JOB-17).

An item stands on the bill of its date: one of frequency AD_HOC, or the consolidated bill of that
date. Where that bill is locked already it goes on the account's next bill.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.db.models import Q

from billing.bills.groups import grouping_of
from billing.bills.planning import PlannedBill, of_its_date
from billing.bills.reading import AccountFacts
from billing.bills.selection import DueBills, TheseBills
from billing.models import Charge
from billing.rating.account_terms import ChargeTerm
from billing.rating.cycles import BillFrequency
from billing.rating.lines import LineType
from organizations.kernel.among import Among
from organizations.kernel.periods import Period
from organizations.models import OrganizationConfig


class Dated(NamedTuple):
    """One item: its date, where its bill belongs, the bill that carries it if one does.

    ``term`` is what is rated, in the field ``field`` of ``AccountInput``; it is told its bill.
    """

    account_id: UUID
    day: date
    grouping: str
    bill_id: UUID | None
    field: str
    term: Any


Items = Mapping[UUID, Sequence[Dated]]


def charges(
    organization_id: UUID,
    account_ids: Collection[UUID],
    wanted: DueBills | TheseBills,
    *,
    include_locked: bool,
) -> list[Dated]:
    """Return the charges with a date that no locked bill carries; one query."""
    free = Q(bill__isnull=True)
    if include_locked:
        free = Q()
    elif isinstance(wanted, TheseBills):
        free |= Among("bill_id", wanted.bill_ids)
    else:
        free |= Q(bill__is_locked=False)
    rows = (
        Charge.objects.for_organization(organization_id)
        .filter(free, Among("account_id", account_ids), bill_date__isnull=False)
        .select_related("contract", "balance")
        .order_by("bill_date", "created_at", "id")
    )
    return [_charge(row) for row in rows]


def _charge(row: Charge) -> Dated:
    of_balance = row.balance.fees_accounting_product_id if row.balance else None
    term = ChargeTerm(
        id=row.pk,
        line_type=LineType(row.line_item_type),
        description=f"{row.name}: {row.description}" if row.description else row.name,
        currency=row.currency,
        service_period=Period(row.service_period_start_date, row.service_period_end_date),
        amount=row.amount,
        units=row.units,
        unit_price=row.unit_price,
        contract_id=row.contract_id,
        balance_id=row.balance_id,
        accounting_product_ids=(row.accounting_product_id, of_balance),
    )
    day = row.bill_date
    if day is None:
        raise ValueError("Only charges with a date are read.")
    return Dated(row.account_id, day, grouping_of(row.contract), row.bill_id, "charges", term)


def by_account(items: Iterable[Dated]) -> dict[UUID, list[Dated]]:
    """Return the items of each account."""
    found: dict[UUID, list[Dated]] = defaultdict(list)
    for item in items:
        found[item.account_id].append(item)
    return found


def are_wanted(wanted: DueBills) -> bool:
    """Whether a run bills what has a date of its own (JOB-16)."""
    return wanted.frequency in (None, BillFrequency.AD_HOC.value)


def due(
    items: Items,
    accounts: Mapping[UUID, AccountFacts],
    config: OrganizationConfig,
    wanted: DueBills,
    planned: Iterable[PlannedBill],
) -> list[PlannedBill]:
    """Return the bills that are due for items alone; those of plans are ``planned`` already."""
    known = {bill.identity for bill in planned}
    found = []
    for item in _waiting(items, accounts, wanted):
        bill = of_its_date(accounts[item.account_id], item.day, item.grouping, config, wanted)
        if bill.identity not in known:
            known.add(bill.identity)
            found.append(bill)
    return found


def moved_on(
    items: Items,
    accounts: Mapping[UUID, AccountFacts],
    config: OrganizationConfig,
    wanted: DueBills,
    planned: Iterable[PlannedBill],
) -> list[PlannedBill]:
    """Return a bill for items whose own bill is locked, where no other is planned (JOB-17)."""
    last = wanted.on + timedelta(days=1)
    by_account = bills_by_account(planned)
    found: list[PlannedBill] = []
    for item in _waiting(items, accounts, wanted):
        bills = by_account[item.account_id]
        home = _home(item, bills)
        if item.day < last and home and _is_frozen(home) and _bill_for(item, bills) is None:
            account = accounts[item.account_id]
            bill = of_its_date(account, last, item.grouping, config, wanted)
            bills.append(bill)
            found.append(bill)
    return found


def place(items: Items, planned: Iterable[PlannedBill]) -> dict[UUID, dict[str, Any]]:
    """Return by account the terms of what stands on planned bills, by field of ``AccountInput``."""
    placed: dict[UUID, dict[str, Any]] = {}
    for account_id, bills in bills_by_account(planned).items():
        for item in items.get(account_id, ()):
            bill = _bill_for(item, bills)
            if bill is not None:
                term = msgspec.structs.replace(item.term, on=bill.key)
                of_account = placed.setdefault(account_id, {})
                of_account[item.field] = (*of_account.get(item.field, ()), term)
    return placed


def bills_by_account(planned: Iterable[PlannedBill]) -> dict[UUID, list[PlannedBill]]:
    """Return the planned bills of each account."""
    found: dict[UUID, list[PlannedBill]] = defaultdict(list)
    for bill in planned:
        found[bill.account.id].append(bill)
    return found


def _waiting(
    items: Items, accounts: Mapping[UUID, AccountFacts], wanted: DueBills
) -> Iterator[Dated]:
    """Yield what no bill carries and the run bills."""
    if not are_wanted(wanted):
        return
    last = wanted.on + timedelta(days=1)
    for account_id in accounts.keys() & items.keys():
        for item in items[account_id]:
            if item.bill_id is None and item.day <= last:
                yield item


def _bill_for(item: Dated, planned: Sequence[PlannedBill]) -> PlannedBill | None:
    """Return which of the account's planned bills carries the item."""
    if item.bill_id is not None:
        return next(
            (bill for bill in planned if _is(bill, item.bill_id) and _may_keep(bill, item)), None
        )
    home = _home(item, planned)
    if home is not None and not _is_frozen(home):
        return home
    if home is None:
        return None
    later = [
        bill
        for bill in planned
        if bill.grouping == item.grouping and bill.key.boundary > item.day and not _is_frozen(bill)
    ]
    return min(later, key=lambda bill: bill.key.boundary, default=None)


def _home(item: Dated, planned: Sequence[PlannedBill]) -> PlannedBill | None:
    return next(
        (
            bill
            for bill in planned
            if bill.takes_dated_items
            and bill.key.boundary == item.day
            and bill.grouping == item.grouping
        ),
        None,
    )


def _is(bill: PlannedBill, bill_id: UUID) -> bool:
    return bill.existing is not None and bill.existing.id == bill_id


def _may_keep(bill: PlannedBill, item: Dated) -> bool:
    """An item whose date was moved behind the bill, or elsewhere, leaves it (CHG-5).

    A bill of plans, or one of a later date, holds what came from a locked bill (JOB-17).
    """
    return item.day <= bill.key.boundary and bill.grouping == item.grouping


def _is_frozen(bill: PlannedBill) -> bool:
    return bill.existing is not None and bill.existing.is_locked
