"""Everything a calculation needs, read for a set of accounts: the only reader before rating.

The number of queries is fixed, whatever the number of accounts; one account is a set of one.
Bill runs, preview and the recomputation behind an explanation all begin here, and all go on with
``calculation.calculate``.
"""

from collections.abc import Collection
from uuid import UUID

from billing.bills import (
    contract_terms,
    due,
    families,
    fingerprints,
    held,
    off_cycle,
    prepaid,
    printed_dates,
    rated_before,
    reading,
    subject_terms,
)
from billing.bills.calculating import Calculator
from billing.bills.custom_fields import CustomFields
from billing.bills.planning import PlannedBill
from billing.bills.quantities import Quantities
from billing.bills.rated_before import RatedBefore
from billing.bills.reading import Names
from billing.bills.selection import DueBills, TheseBills, conversions
from billing.bills.shared_reading import Shared, read_shared
from billing.bills.taken import AccountSnapshot, BillToRate, Snapshot
from billing.rating.inputs import AccountPlanTerm, RatingInput
from billing.usage import deriving
from organizations.kernel.errors import DomainError
from organizations.kernel.money import Currency
from organizations.kernel.periods import Period, local_midnight


def take(
    organization_id: UUID,
    account_ids: Collection[UUID],
    wanted: DueBills | TheseBills,
    *,
    include_locked: bool = False,
) -> Snapshot:
    """Read what is needed to calculate the wanted bills of the accounts.

    Locked bills are left alone unless ``include_locked`` says that nothing will be written, as
    for an explanation. An account that cannot be billed carries its refusal; no other suffers.
    """
    account_ids = list(account_ids)
    # First of all reads: what another run writes from here on changes the fingerprint.
    families_of, known = families.fingerprints(organization_id, account_ids)
    accounts = {
        account_id: AccountSnapshot(facts, known.get(account_id, fingerprints.NOTHING))
        for account_id, facts in reading.accounts(organization_id, account_ids).items()
    }
    shared = read_shared(
        organization_id, account_ids, wanted, known=families_of, include_locked=include_locked
    )
    for account_id, rows in shared.attached.items():
        if account_id in accounts:
            accounts[account_id].attached = {
                row.id: Period(row.start_at, row.end_at) for row in rows
            }
            if values := held.of_bills(rows, shared.held):
                accounts[account_id].terms["held"] = values
    planned = due.plan(shared, accounts, wanted)
    for account_id, terms in off_cycle.place(shared.dated, planned).items():
        accounts[account_id].terms.update(terms)
    planned = [
        bill
        for bill in planned
        if include_locked or not _leave_locked(accounts[bill.account.id], bill)
    ]
    _read_charges(shared, accounts, planned)
    prepaid.give(shared.prepaid, accounts, planned)
    subject_terms.read(organization_id, accounts, planned)
    _read_quantities(shared, accounts, planned)
    return Snapshot(
        organization_id=organization_id,
        accounts=accounts,
        names=Names(
            reading.product_names(organization_id),
            {plan.id: plan.name for plan in shared.plans.values()},
        ),
        suppresses_empty_bills=shared.config.suppressed_empty_bills,
        has_invoice_prefix=bool(shared.config.bill_prefix),
        families=families_of,
    )


def _leave_locked(account: AccountSnapshot, bill: PlannedBill) -> bool:
    """Whether the bill is locked, and so not even calculated (JOB-7)."""
    if bill.existing is None or not bill.existing.is_locked:
        return False
    account.locked += 1
    return True


def _account_plans_of_the_same_plans(shared: Shared, planned: list[PlannedBill]) -> set[UUID]:
    """Return the account plans on the bills, and those of the same plans they have replaced."""
    wanted = {
        (plan.attached.account_id, plan.attached.plan_id) for bill in planned for plan in bill.plans
    }
    rows = (row for rows in shared.attached.values() for row in rows)
    return {row.id for row in rows if (row.account_id, row.plan_id) in wanted}


def _read_charges(
    shared: Shared, accounts: dict[UUID, AccountSnapshot], planned: list[PlannedBill]
) -> None:
    """Read what other bills carry for the service periods of the planned ones; one query.

    None where no account has a bill yet, as in the first run of all: then the planner knows
    nothing of the lines that this run has just written, and would read all of them for each bill.
    """
    planned = [bill for bill in planned if accounts[bill.account.id].fingerprint.has_bills]
    if not planned:
        return
    starts = min(bill.period.start for bill in planned)
    ends = max(local_midnight(bill.coming_end, bill.zone) for bill in planned)
    found = reading.charges(
        shared.organization_id,
        _account_plans_of_the_same_plans(shared, planned),
        Period(starts, ends),
        except_bills={bill.existing.id for bill in planned if bill.existing},
    )
    for account_id, charges in found.items():
        if account_id in accounts:
            accounts[account_id].charges = charges


def _read_quantities(
    shared: Shared, accounts: dict[UUID, AccountSnapshot], planned: list[PlannedBill]
) -> None:
    """Read the quantities of all bills at once and put each bill with its account."""
    rated = _read_rated(shared.organization_id, planned)
    quantities = Quantities(rated, _calculator(shared, planned))
    asked = [(bill, quantities.terms(bill, accounts[bill.account.id].cuts)) for bill in planned]
    quantities.read(shared.organization_id)
    for bill, terms in asked:
        account = accounts[bill.account.id]
        try:
            to_rate = _bill_to_rate(shared, bill, terms())
            to_rate.faults = quantities.calculator.faults()
            account.bills.append(to_rate)
        except DomainError as refusal:
            account.refusal = refusal
            quantities.calculator.faults()  # those of a bill that is not made


def _calculator(shared: Shared, planned: list[PlannedBill]) -> Calculator:
    """Return what evaluates compounds; no query where no custom field and no table is needed."""
    measures = shared.compounds.measures
    if not measures:
        return Calculator()
    needs_lookup = any(measure.needs_lookup for measure in measures)
    return Calculator(
        CustomFields.of(shared.organization_id, measures, planned),
        deriving.lookup_of(shared.organization_id) if needs_lookup else None,
    )


def _read_rated(organization_id: UUID, planned: list[PlannedBill]) -> RatedBefore | None:
    """Read what locked bills have rated; asked only where tiers span a plan, two queries."""
    spanning = rated_before.spanning(planned)
    if not spanning:
        return None
    account_ids = {bill.account.id for bill in planned}
    account_ids |= {plan.attached.account_id for bill in planned for plan in bill.plans}
    return rated_before.rated_before(
        reading.locked_bills(organization_id, account_ids),
        reading.rated_usage(organization_id, spanning),
    )


def _bill_to_rate(
    shared: Shared, bill: PlannedBill, terms: tuple[AccountPlanTerm, ...]
) -> BillToRate:
    config = shared.config
    code = bill.overrides.target_currency or bill.account.currency or config.currency
    rates = (*bill.overrides.conversions, *conversions(config.currency_conversions))
    return BillToRate(
        input=RatingInput(
            account_id=bill.account.id,
            account_code=bill.account.code,
            key=bill.key,
            period=bill.period,
            timezone=bill.zone,
            bill_currency=shared.currencies.get(code) or Currency(code),
            account_plans=terms,
            currencies=shared.currencies,
            conversion_rates=rates,
            bill_id=bill.existing.id if bill.existing else None,
        ),
        existing=bill.existing,
        timezone=bill.timezone,
        dates=printed_dates.of(bill, config),
        overrides=bill.overrides,
        purchase_order_number=contract_terms.purchase_order(bill),
    )
