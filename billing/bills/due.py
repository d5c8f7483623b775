"""Which bills are calculated: those that are due, and those that exist beside them."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import msgspec

from billing.bills import holes, late_charges, off_cycle, planning, reading
from billing.bills.planning import PlannedBill
from billing.bills.reading import AccountFacts, AttachedPlan, ExistingBill
from billing.bills.selection import DueBills, TheseBills
from billing.bills.shared_reading import Shared, read_shared
from billing.bills.taken import AccountSnapshot
from organizations.kernel.errors import DomainError
from organizations.kernel.periods import local_date


def plan(
    shared: Shared, accounts: dict[UUID, AccountSnapshot], wanted: DueBills | TheseBills
) -> list[PlannedBill]:
    """Decide which bills are calculated, and find those that exist; one query."""
    if isinstance(wanted, TheseBills):
        bills = reading.bills_by_id(shared.organization_id, wanted.bill_ids)
        planned = _planned_for_each(
            accounts,
            ((bill.account_id, bill) for bill in bills),
            lambda facts, bill: [
                planning.again(
                    facts, shared.attached.get(facts.id, ()), shared.plans, shared.config, bill
                )
            ],
        )
        found = _bills_around(shared, list(accounts), None, planned)
        return _closed(shared, accounts, planned, found, parks=False)
    planned = _planned_for_each(
        accounts,
        ((account_id, None) for account_id in accounts),
        lambda facts, _: planning.due(
            facts,
            shared.attached.get(facts.id, ()),
            shared.plans,
            shared.config,
            wanted,
            shared.prepaid.plan_fees(facts),
        ),
    )
    facts = {key: one.facts for key, one in accounts.items() if one.refusal is None}
    planned += off_cycle.due(shared.dated, facts, shared.config, wanted, planned)
    found = _bills_around(shared, list(accounts), wanted, planned)
    existing = {bill.identity: bill for bills in found.values() for bill in bills}
    by_account: dict[UUID, list[PlannedBill]] = defaultdict(list)
    for bill in planned:
        bill.existing = existing.get(bill.identity)
        by_account[bill.account.id].append(bill)
    planned += _between(shared, accounts, wanted, planned, found, by_account)
    planned = _closed(shared, accounts, planned, found, parks=True)
    planned += off_cycle.moved_on(shared.dated, facts, shared.config, wanted, planned)
    for bill in late_charges.own_bills(facts, shared.attached, shared.config, wanted, planned):
        bill.existing = existing.get(bill.identity)
        by_account[bill.account.id].append(bill)
        planned.append(bill)
    return planned + _planned_for_each(
        accounts,
        ((account_id, None) for account_id in found),
        lambda facts, _: _left_over(shared, facts, wanted, by_account[facts.id], found[facts.id]),
    )


def _between(
    shared: Shared,
    accounts: dict[UUID, AccountSnapshot],
    wanted: DueBills,
    planned: Sequence[PlannedBill],
    found: dict[UUID, list[ExistingBill]],
    by_account: dict[UUID, list[PlannedBill]],
) -> list[PlannedBill]:
    """Return the partial bills between locked bills and what is due (JOB-18)."""
    around = _around(shared, planned, found)
    made: list[PlannedBill] = []
    for bill in planned:
        ends = holes.missing(bill, around(bill)) if bill.plans else None
        if ends is None or accounts[bill.account.id].refusal is not None:
            continue
        asked = replace(wanted, on=ends - timedelta(days=1), late_data_at=None)
        facts = bill.account
        for one in planning.due(
            facts, shared.attached.get(facts.id, ()), shared.plans, shared.config, asked
        ):
            if one.key == msgspec.structs.replace(bill.key, boundary=ends):
                existing = {other.identity: other for other in found[facts.id]}
                one.existing = existing.get(one.identity)
                made.append(one)
                by_account[facts.id].append(one)
    return made


def _closed(
    shared: Shared,
    accounts: dict[UUID, AccountSnapshot],
    planned: Sequence[PlannedBill],
    found: dict[UUID, list[ExistingBill]],
    *,
    parks: bool,
) -> list[PlannedBill]:
    """Let bills begin where locked ones end; park where that cannot be (JOB-18)."""
    around = _around(shared, planned, found)
    closed = []
    for bill in planned:
        try:
            closed.append(holes.closed(bill, around(bill)))
        except holes.TimeOnNoBill as refusal:
            closed.append(bill)
            if parks:
                accounts[bill.account.id].refusal = refusal
    return closed


def _around(
    shared: Shared, planned: Sequence[PlannedBill], found: dict[UUID, list[ExistingBill]]
) -> Callable[[PlannedBill], holes.Around]:
    """Return what tells of a bill what is around it; one query where locked bills end inside."""
    inside = {
        one for bill in planned for one in holes.ending_inside(bill, found.get(bill.account.id, ()))
    }
    carried = reading.carried(shared.organization_id, inside) if inside else {}
    by_account: dict[UUID, list[PlannedBill]] = defaultdict(list)
    for bill in planned:
        by_account[bill.account.id].append(bill)

    def around(bill: PlannedBill) -> holes.Around:
        plans = partial(
            planning.of_account,
            bill.account,
            shared.attached.get(bill.account.id, ()),
            shared.plans,
            shared.config,
            bill.overrides,
        )
        account_id = bill.account.id
        return holes.Around(found.get(account_id, ()), plans, by_account[account_id], carried)

    return around


def _bills_around(
    shared: Shared,
    account_ids: Collection[UUID],
    wanted: DueBills | None,
    planned: Iterable[PlannedBill],
) -> dict[UUID, list[ExistingBill]]:
    """Return by account the bills that exist for what is due, or touch it; one query."""
    days = list(planning.days(wanted)) if wanted else []
    for bill in planned:
        days += (local_date(bill.period.start, bill.zone), bill.key.boundary)
        days += (holes.opens_before(plan, bill) for plan in bill.plans)
    found: dict[UUID, list[ExistingBill]] = defaultdict(list)
    if not days:
        return found
    for bill in reading.bills_between(shared.organization_id, account_ids, min(days), max(days)):
        found[bill.account_id].append(bill)
    return found


def _left_over(
    shared: Shared,
    facts: AccountFacts,
    wanted: DueBills,
    due_bills: Iterable[PlannedBill],
    bills: Iterable[ExistingBill],
) -> list[PlannedBill]:
    attached = shared.attached.get(facts.id, ())
    return planning.left_over(
        facts, attached, shared.plans, shared.config, wanted, due_bills, bills
    )


def _planned_for_each(
    accounts: dict[UUID, AccountSnapshot],
    items: Iterable[tuple[UUID, ExistingBill | None]],
    plan: Callable[[AccountFacts, ExistingBill | None], list[PlannedBill]],
) -> list[PlannedBill]:
    """Plan account by account; what one account's settings refuse stays with that account."""
    planned: list[PlannedBill] = []
    for account_id, bill in items:
        account = accounts.get(account_id)
        if account is None or account.refusal is not None:
            continue
        try:
            planned += plan(account.facts, bill)
        except DomainError as refusal:
            account.refusal = refusal
    return planned


def count_due(
    organization_id: UUID, account_ids: Collection[UUID], wanted: DueBills | TheseBills
) -> dict[UUID, int]:
    """Return by account how many bills are wanted of it (JOB-2): planned, nothing is calculated.

    Accounts whose plans and dates are the same are planned once. What the settings of one refuse
    parks it later; here it has no bill.
    """
    if isinstance(wanted, TheseBills):
        bills = reading.bills_by_id(organization_id, wanted.bill_ids)
        return dict(Counter(bill.account_id for bill in bills))
    shared = read_shared(organization_id, account_ids, wanted)
    planned: dict[UUID, list[PlannedBill]] = {}
    known: dict[tuple[Any, ...], list[PlannedBill]] = {}
    accounts = reading.accounts(organization_id, account_ids)
    for account_id, facts in accounts.items():
        attached = shared.attached.get(account_id, [])
        alike = (
            facts.bill_epoch,
            tuple(shared.prepaid.plan_fees(facts)),
            *((row.plan_id, *row[3:]) for row in attached),
        )
        if alike not in known:
            known[alike] = _due(shared, facts, attached, wanted)
        planned[account_id] = known[alike]
    counts = {account_id: len(bills) for account_id, bills in planned.items()}
    every_bill = (bill for bills in known.values() for bill in bills)
    found = _bills_around(shared, account_ids, wanted, every_bill)
    for account_id, bills in found.items():
        facts = accounts[account_id]
        due_bills = [replace(bill, account=facts) for bill in planned[account_id]]
        counts[account_id] += len(_left_over(shared, facts, wanted, due_bills, bills))
    known_bills = (replace(bill, account=accounts[key]) for key in planned for bill in planned[key])
    for bill in off_cycle.due(shared.dated, accounts, shared.config, wanted, known_bills):
        counts[bill.account.id] += 1
    return counts


def _due(
    shared: Shared, facts: AccountFacts, attached: list[AttachedPlan], wanted: DueBills
) -> list[PlannedBill]:
    try:
        fees = shared.prepaid.plan_fees(facts)
        return planning.due(facts, attached, shared.plans, shared.config, wanted, fees)
    except DomainError:
        return []
