"""Everything a calculation needs, read for a set of accounts: the only reader before rating.

The number of queries is fixed, whatever the number of accounts; one account is a set of one.
Bill runs, preview and the recomputation behind an explanation all begin here, and all go on with
``calculation.calculate``.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import msgspec

from billing.bills import (
    contract_terms,
    fingerprints,
    held,
    holes,
    off_cycle,
    plan_groups,
    planning,
    prepaid,
    printed_dates,
    rated_before,
    reading,
    subject_terms,
)
from billing.bills.calculating import Calculator
from billing.bills.compounds import Compounds
from billing.bills.custom_fields import CustomFields
from billing.bills.fingerprints import Fingerprint
from billing.bills.held import Held
from billing.bills.off_cycle import Dated
from billing.bills.planning import PlannedBill
from billing.bills.prepaid import Prepaid
from billing.bills.priced_plans import PricedPlan, price
from billing.bills.quantities import Quantities
from billing.bills.rated_before import RatedBefore
from billing.bills.reading import AccountFacts, AttachedPlan, ExistingBill, Names
from billing.bills.selection import DueBills, Overrides, PrintedDates, TheseBills, conversions
from billing.rating.book import BilledCharge
from billing.rating.inputs import AccountPlanTerm, RatingInput
from billing.rating.subjects import Subject
from billing.usage import deriving
from catalog import effective
from organizations.kernel.errors import DomainError
from organizations.kernel.money import Currency
from organizations.kernel.periods import Period, local_date, local_midnight, parse_timezone
from organizations.models import OrganizationConfig

Existing = dict[tuple[UUID, str, int, date, str], ExistingBill]


class BillToRate(msgspec.Struct, gc=False):
    """One bill to calculate, with what is printed on it.

    ``dates`` are resolved: none is ``None``. ``existing`` is the bill as it was read; the writer
    looks again under the account's lock. ``faults`` say which calculations failed: they charge
    nothing (usage.md 11.4).
    """

    input: RatingInput
    existing: ExistingBill | None
    timezone: str
    dates: PrintedDates
    overrides: Overrides
    purchase_order_number: str | None = None
    faults: tuple[str, ...] = ()


@dataclass(slots=True)
class AccountSnapshot:
    """What is due of one account.

    ``bills`` come in order of boundary. ``locked`` counts due bills left alone (JOB-7).
    ``attached`` are all its account plans, with the time in which each is in force. ``charges``
    stand on other bills of the account. ``refusal`` says why the account cannot be
    billed at all. ``cuts`` are instants where its credits begin or end. ``fingerprint`` changes
    with every write to one of its bills.
    """

    facts: AccountFacts
    fingerprint: Fingerprint
    bills: list[BillToRate] = field(default_factory=list)
    locked: int = 0
    attached: dict[UUID, Period] = field(default_factory=dict)
    charges: list[BilledCharge] = field(default_factory=list)
    credits: dict[Subject, Decimal] = field(default_factory=dict)
    terms: dict[str, Any] = field(default_factory=dict)
    cuts: tuple[datetime, ...] = ()
    refusal: DomainError | None = None


@dataclass(slots=True)
class Snapshot:
    """The accounts that were asked for and exist, by id, and what they share."""

    organization_id: UUID
    accounts: dict[UUID, AccountSnapshot]
    names: Names
    suppresses_empty_bills: bool
    has_invoice_prefix: bool


@dataclass(frozen=True, slots=True)
class _Shared:
    """What was read before bills were planned."""

    organization_id: UUID
    config: OrganizationConfig
    currencies: dict[str, Currency]
    plans: dict[UUID, PricedPlan]
    compounds: Compounds
    attached: dict[UUID, list[AttachedPlan]]
    held: Held
    prepaid: Prepaid
    dated: dict[UUID, list[Dated]]


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
    known = fingerprints.read(account_ids)
    accounts = {
        account_id: AccountSnapshot(facts, known.get(account_id, fingerprints.NOTHING))
        for account_id, facts in reading.accounts(organization_id, account_ids).items()
    }
    shared = _read_shared(organization_id, account_ids, wanted, include_locked=include_locked)
    for account_id, rows in shared.attached.items():
        if account_id in accounts:
            accounts[account_id].attached = {
                row.id: Period(row.start_at, row.end_at) for row in rows
            }
    for account_id, values in shared.held.items():
        if account_id in accounts:
            accounts[account_id].terms["held"] = values
    planned = _plan(shared, accounts, wanted)
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
    )


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
    shared = _read_shared(organization_id, account_ids, wanted)
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
    shared: _Shared, facts: AccountFacts, attached: list[AttachedPlan], wanted: DueBills
) -> list[PlannedBill]:
    try:
        fees = shared.prepaid.plan_fees(facts)
        return planning.due(facts, attached, shared.plans, shared.config, wanted, fees)
    except DomainError:
        return []


def _read_shared(
    organization_id: UUID,
    account_ids: Collection[UUID],
    wanted: DueBills | TheseBills,
    *,
    include_locked: bool = False,
) -> _Shared:
    config = reading.config(organization_id)
    zone = parse_timezone(config.timezone)
    found = contract_terms.limited(reading.account_plans(organization_id, account_ids), zone)
    groups = plan_groups.read(organization_id, found)
    attached = plan_groups.expand(found, groups)
    plans = effective.plans(
        organization_id,
        {row.plan_id for rows in attached.values() for row in rows} - groups.keys(),
    )
    pricings = effective.pricings(organization_id, plans.values())
    compounds = Compounds.of(organization_id, (row for rows in pricings.values() for row in rows))
    counters = effective.counter_pricings(organization_id, plans.values())
    priced = {
        plan.pk: price(plan, pricings[plan.pk], config, compounds, counters[plan.pk])
        for plan in plans.values()
    }
    priced |= {pk: plan_groups.price(group, priced, config) for pk, group in groups.items()}
    holding = held.read(organization_id, account_ids, priced.values())
    held_credit = prepaid.read(organization_id, account_ids, config, zone)
    charges = off_cycle.charges(organization_id, account_ids, wanted, include_locked=include_locked)
    return _Shared(
        organization_id=organization_id,
        config=config,
        currencies=reading.currencies(organization_id),
        plans=priced,
        compounds=compounds,
        attached=held.mark(attached, priced, holding, zone),
        held=holding,
        prepaid=held_credit,
        dated=off_cycle.by_account([*charges, *held_credit.dated()]),
    )


def _plan(
    shared: _Shared, accounts: dict[UUID, AccountSnapshot], wanted: DueBills | TheseBills
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
    planned = _closed(shared, accounts, planned, found, parks=True)
    planned += off_cycle.moved_on(shared.dated, facts, shared.config, wanted, planned)
    return planned + _planned_for_each(
        accounts,
        ((account_id, None) for account_id in found),
        lambda facts, _: _left_over(shared, facts, wanted, by_account[facts.id], found[facts.id]),
    )


def _closed(
    shared: _Shared,
    accounts: dict[UUID, AccountSnapshot],
    planned: Iterable[PlannedBill],
    found: dict[UUID, list[ExistingBill]],
    *,
    parks: bool,
) -> list[PlannedBill]:
    """Let bills reach back to where locked ones end; park where that cannot be (JOB-18)."""
    closed = []
    for bill in planned:
        try:
            plans = partial(
                planning.of_account,
                bill.account,
                shared.attached.get(bill.account.id, ()),
                shared.plans,
                shared.config,
                bill.overrides,
            )
            closed.append(holes.closed(bill, found.get(bill.account.id, ()), plans))
        except holes.TimeOnNoBill as refusal:
            closed.append(bill)
            if parks:
                accounts[bill.account.id].refusal = refusal
    return closed


def _bills_around(
    shared: _Shared,
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
    shared: _Shared,
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


def _leave_locked(account: AccountSnapshot, bill: PlannedBill) -> bool:
    """Whether the bill is locked, and so not even calculated (JOB-7)."""
    if bill.existing is None or not bill.existing.is_locked:
        return False
    account.locked += 1
    return True


def _account_plans_of_the_same_plans(shared: _Shared, planned: list[PlannedBill]) -> set[UUID]:
    """Return the account plans on the bills, and those of the same plans they have replaced."""
    wanted = {(bill.account.id, plan.attached.plan_id) for bill in planned for plan in bill.plans}
    rows = (row for rows in shared.attached.values() for row in rows)
    return {row.id for row in rows if (row.account_id, row.plan_id) in wanted}


def _read_charges(
    shared: _Shared, accounts: dict[UUID, AccountSnapshot], planned: list[PlannedBill]
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
    shared: _Shared, accounts: dict[UUID, AccountSnapshot], planned: list[PlannedBill]
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


def _calculator(shared: _Shared, planned: list[PlannedBill]) -> Calculator:
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
    return rated_before.rated_before(
        reading.locked_bills(organization_id, account_ids),
        reading.rated_usage(organization_id, spanning),
    )


def _bill_to_rate(
    shared: _Shared, bill: PlannedBill, terms: tuple[AccountPlanTerm, ...]
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
