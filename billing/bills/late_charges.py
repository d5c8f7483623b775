"""Accepted late usage on bills: which bill carries it, and giving it back.

It goes on the account's next bill with the same grouping, the one of the same rhythm if there is
one, and stays there however often that bill is calculated. Deleting that bill frees it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from django.db.models import Q

from billing.bills import off_cycle, planning
from billing.bills.moved import Moved, Replacing
from billing.bills.planning import PlannedBill
from billing.bills.reading import AccountFacts, AttachedPlan
from billing.bills.selection import DueBills
from billing.bills.taken import AccountSnapshot
from billing.models import LateUsage, LateUsageBill, LateUsageStatus
from billing.rating.account_terms import LateTerm
from billing.rating.cycles import CONSOLIDATED, BillKey
from billing.rating.inputs import Product
from organizations.kernel import changes, registry
from organizations.kernel.among import Among
from organizations.kernel.errors import DomainError
from organizations.kernel.periods import Period, local_midnight, parse_timezone
from organizations.kernel.principals import Principal
from organizations.models import OrganizationConfig


class LateUsageStands(DomainError):
    """A later bill charges usage that arrived late for the bill."""

    code = "LATE_USAGE_CHARGED"

    def __init__(self) -> None:
        super().__init__(
            "A later bill charges usage that arrived late for this one; delete that bill first, or "
            "calculate this one again instead."
        )


def read(
    organization_id: UUID,
    accounts: Mapping[UUID, AccountSnapshot],
    planned: Sequence[PlannedBill],
) -> None:
    """Put accepted late usage on the planned bills; one query."""
    existing = [bill.existing.id for bill in planned if bill.existing]
    rows = (
        LateUsage.objects.for_organization(organization_id)
        .filter(
            Q(charged_on__isnull=True, bill__is_locked=True) | Among("charged_on_id", existing),
            Among("account_id", accounts.keys()),
            status=LateUsageStatus.ACCEPTED,
        )
        .select_related("bill")
        .order_by("service_period_start", "id")
    )
    bills: dict[UUID, list[PlannedBill]] = defaultdict(list)
    for bill in planned:
        bills[bill.account.id].append(bill)
    for row in rows:
        account = accounts[row.account_id]
        home = _home(row, bills[row.account_id], account.attached.values())
        if home is not None:
            terms = account.terms
            terms["late"] = (*terms.get("late", ()), _term(row, home.key))


def own_bills(
    accounts: Mapping[UUID, AccountFacts],
    attached: Mapping[UUID, Sequence[AttachedPlan]],
    config: OrganizationConfig,
    wanted: DueBills,
    planned: Iterable[PlannedBill],
) -> list[PlannedBill]:
    """Return bills for accepted late usage of accounts whose plans are over: no other comes.

    One query, and none where every account has a plan in force.
    """
    if not off_cycle.are_wanted(wanted):
        return []
    day = wanted.on + timedelta(days=1)
    midnight = local_midnight(day, parse_timezone(wanted.overrides.timezone or config.timezone))
    busy = {bill.account.id for bill in planned if bill.plans}
    over = [
        account_id
        for account_id in accounts.keys() - busy
        if attached.get(account_id)
        and all(row.end_at and row.end_at <= midnight for row in attached[account_id])
    ]
    if not over:
        return []
    rows = (
        LateUsage.objects.for_organization(config.organization_id)
        .filter(
            Among("account_id", over),
            charged_on__isnull=True,
            bill__is_locked=True,
            bill__boundary_date__lt=day,
            status=LateUsageStatus.ACCEPTED,
        )
        .order_by()
        .values_list("account_id", "bill__grouping")
    )
    waiting = {(pk, grouping.removeprefix(CONSOLIDATED)) for pk, grouping in rows}
    known = {bill.identity for bill in planned}
    made = [
        planning.of_its_date(accounts[pk], day, grouping, config, wanted)
        for pk, grouping in sorted(waiting)
    ]
    return [bill for bill in made if bill.identity not in known]


def mark(replacing: Replacing, moved: Sequence[Moved]) -> None:
    """Let each row name the bill that charges it, and free those that it charges no more."""
    carried = {one.movement.subject.id: one.bill.pk for one in moved}
    bill_ids = [bill.pk for bill in replacing.bills]
    rows = LateUsage.objects.filter(Among("charged_on_id", bill_ids))
    known = dict(rows.values_list("pk", "charged_on_id"))
    if freed := known.keys() - carried.keys():
        LateUsage.objects.filter(Among("pk", freed)).update(charged_on=None)
    by_bill: dict[UUID, list[UUID]] = defaultdict(list)
    for row_id, bill_id in carried.items():
        if row_id is not None and known.get(row_id) != bill_id:
            by_bill[bill_id].append(row_id)
    for bill_id, row_ids in by_bill.items():
        LateUsage.objects.filter(Among("pk", row_ids)).update(charged_on_id=bill_id)


def forget(bill_ids: Sequence[UUID], *, by: Principal) -> None:
    """Let bills that are deleted take along what was listed for them and no bill charges.

    Such a bill was locked by a lock date that was moved back since. Raises ``LateUsageStands``.
    """
    LateUsageBill.objects.filter(Among("bill_id", bill_ids))._raw_delete("default")
    rows = list(LateUsage.objects.filter(Among("bill_id", bill_ids)))
    if not rows:
        return
    if any(row.charged_on_id is not None for row in rows):
        raise LateUsageStands
    gone = [(row, registry.of(row).represent(row)) for row in rows]
    LateUsage.objects.filter(Among("pk", [row.pk for row in rows]))._raw_delete("default")
    changes.deleted_many(gone, by=by)


def _home(
    row: LateUsage, bills: Sequence[PlannedBill], attached: Collection[Period]
) -> PlannedBill | None:
    if row.charged_on_id is not None:
        return next(
            (bill for bill in bills if bill.existing and bill.existing.id == row.charged_on_id),
            None,
        )
    late = row.bill
    later = [
        bill
        for bill in bills
        if bill.grouping == late.grouping.removeprefix(CONSOLIDATED)
        and bill.key.boundary > late.boundary_date
        and (bill.plans or _is_last(bill, attached))
        and not (bill.existing and bill.existing.is_locked)
    ]
    rhythm = (late.billing_frequency, late.bill_frequency_interval)
    return min(
        later,
        key=lambda bill: (
            (bill.key.frequency.value, bill.key.interval) != rhythm,
            bill.key.boundary,
        ),
        default=None,
    )


def _is_last(bill: PlannedBill, attached: Collection[Period]) -> bool:
    """Whether no plan is in force behind a bill of its own date, so that no other comes."""
    ends = bill.period.end
    return ends is not None and all(one.end is not None and one.end <= ends for one in attached)


def _term(row: LateUsage, on: BillKey) -> LateTerm:
    product = Product(row.product_id, row.product_name, "") if row.product_id else None
    return LateTerm(
        id=row.pk,
        description=row.description,
        currency=row.currency,
        amount=row.amount,
        minimum=row.minimum_amount,
        quantity=row.quantity,
        units=row.units,
        unit=row.unit,
        service_period=Period(row.service_period_start, row.service_period_end),
        bill_id=row.bill_id,
        ended=(row.bill.boundary_date - timedelta(days=1)).isoformat(),
        line_item_id=row.line_item_id,
        product=product,
        accounting_product_id=row.accounting_product_id,
        contract_id=row.contract_id,
        on=on,
    )
