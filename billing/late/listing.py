"""Keeps the rows of late usage: one look at one locked bill, and one at an organization.

A row that nobody decided and no bill charges follows the usage; every other one stays as it is,
and what comes after it is a row of its own. All rows of a charge add up to its difference.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef

from billing.bills import slices
from billing.late import comparing
from billing.late.comparing import Found
from billing.models import (
    Bill,
    LateUsage,
    LateUsageAction,
    LateUsageBill,
    LateUsageCheck,
    LateUsageRule,
    LateUsageStatus,
)
from billing.rating.late import Change
from billing.usage.store import arrivals
from organizations.kernel import changes, clock, ids, principals
from organizations.kernel.errors import DomainError
from organizations.kernel.money import ZERO
from organizations.models import Organization
from organizations.models.organizations import OrganizationStatus

_STATUS = {
    LateUsageAction.ASK.value: LateUsageStatus.OPEN.value,
    LateUsageAction.NEXT_BILL.value: LateUsageStatus.ACCEPTED.value,
    LateUsageAction.IGNORE.value: LateUsageStatus.IGNORED.value,
}
Rules = Mapping[UUID | None, str]


def check(organization_id: UUID) -> int:
    """Look at every locked bill with usage that arrived since; returns how many there were."""
    begun = clock.now()
    _withdraw_unlocked(organization_id)
    state, _ = LateUsageCheck.objects.get_or_create(organization_id=organization_id)
    # Read before the look: a bill that is locked meanwhile is looked at next time.
    locked = _not_remembered(organization_id)
    # The first look of all finds everything by bills that no look knows.
    since = state.checked_until or begun
    found = arrivals.bills_with_late_usage(organization_id, since)
    again = LateUsage.objects.for_organization(organization_id).filter(usage_key="")
    for bill_id in sorted({*found, *again.values_list("bill_id", flat=True)}):
        look_at(organization_id, bill_id)
    _remember(locked, organization_id)
    LateUsageCheck.objects.filter(pk=organization_id).update(checked_until=begun)
    return len(found)


def organizations() -> list[UUID]:
    """Return the organizations that have a locked bill."""
    locked = Bill.objects.filter(organization_id=OuterRef("pk"), is_locked=True)
    active = Organization.objects.filter(Exists(locked), status=OrganizationStatus.ACTIVE)
    return list(active.values_list("pk", flat=True))


def look_at(organization_id: UUID, bill_id: UUID) -> None:
    """Make the rows of one locked bill say what its usage is now."""
    account_id = Bill.objects.filter(pk=bill_id).values_list("account_id", flat=True).first()
    if account_id is None:
        return
    with transaction.atomic():
        slices.lock_accounts([account_id])
        bill = (
            Bill.objects.for_organization(organization_id)
            .select_for_update(no_key=True)
            .filter(pk=bill_id, is_locked=True)
            .first()
        )
        if bill is None:
            return
        rows: dict[str, list[LateUsage]] = defaultdict(list)
        for row in LateUsage.objects.filter(bill=bill).order_by("usage_key", "number"):
            rows[row.usage_key].append(row)
        by = principals.system(organization_id)
        unknown = rows.pop("", [])
        try:
            found = comparing.compare(bill, rows.keys())
        except DomainError as refusal:
            _note(bill, unknown, refusal.message, by)
            return
        for row in unknown:
            changes.delete(row, by=by)
        rules = rules_of(organization_id)
        for one in found:
            _keep(bill, one, rows.get(one.change.key, ()), rules, by)


def rules_of(organization_id: UUID) -> Rules:
    """Return what is done by itself, by product; ``None`` is every other product."""
    rows = LateUsageRule.objects.for_organization(organization_id)
    return dict(rows.values_list("product_id", "action"))


def _keep(
    bill: Bill,
    found: Found,
    rows: Sequence[LateUsage],
    rules: Rules,
    by: principals.Principal,
) -> None:
    follows = rows[-1] if rows and _follows(rows[-1]) else None
    left = found.change
    for row in rows:
        if row is not follows:
            left = left.less(_listed(row))
    if found.note and not left.is_of_usage:
        # Another price alone is no matter of late usage.
        left = Change(left.key, ZERO, ZERO, ZERO)
    if follows is not None:
        if not left:
            changes.delete(follows, by=by)
        elif _listed(follows) != left or follows.note != found.note:
            with changes.editing(follows, by=by) as row:
                _fill(row, found, left, rules)
        return
    if left:
        row = LateUsage(
            id=ids.new_id(),
            organization_id=bill.organization_id,
            account_id=bill.account_id,
            bill=bill,
            usage_key=found.change.key,
            number=rows[-1].number + 1 if rows else 1,
        )
        _fill(row, found, left, rules)
        changes.create(row, by=by)


def _follows(row: LateUsage) -> bool:
    return row.decided_at is None and row.charged_on_id is None


def _listed(row: LateUsage) -> Change:
    subtotal = row.amount - row.minimum_amount
    return Change(row.usage_key, row.quantity, row.units, subtotal, row.minimum_amount)


def _fill(row: LateUsage, found: Found, left: Change, rules: Rules) -> None:
    for name, value in found.about.items():
        setattr(row, name, value)
    row.quantity, row.units = left.quantity, left.units
    row.amount, row.minimum_amount, row.note = left.amount, left.minimum, found.note
    action = rules.get(row.product_id) or rules.get(None) or LateUsageAction.ASK.value
    row.status = LateUsageStatus.OPEN.value if found.note else _STATUS[action]


def _note(bill: Bill, rows: Sequence[LateUsage], message: str, by: principals.Principal) -> None:
    """List that there is late usage, where what it is worth cannot be worked out."""
    if rows:
        if rows[0].note != message:
            with changes.editing(rows[0], by=by) as row:
                row.note = message
        return
    row = LateUsage(
        id=ids.new_id(), organization_id=bill.organization_id, account_id=bill.account_id,
        bill=bill, description="Late usage that cannot be worked out", quantity=ZERO, units=ZERO,
        amount=ZERO, currency=bill.currency, service_period_start=bill.start_at,
        service_period_end=bill.end_at, status=LateUsageStatus.OPEN.value, note=message,
    )  # fmt: skip
    changes.create(row, by=by)


def _withdraw_unlocked(organization_id: UUID) -> None:
    """Forget what was open of bills that a lock date has freed: they can be calculated again."""
    LateUsageBill.objects.filter(organization_id=organization_id, bill__is_locked=False).delete()
    by = principals.system(organization_id)
    rows = LateUsage.objects.for_organization(organization_id).filter(
        bill__is_locked=False, charged_on__isnull=True, decided_at__isnull=True
    )
    for row in rows:
        changes.delete(row, by=by)


def _not_remembered(organization_id: UUID) -> list[UUID]:
    """Return the locked bills that no look knows yet."""
    known = LateUsageBill.objects.filter(organization_id=organization_id).values("bill_id")
    bills = Bill.objects.for_organization(organization_id).filter(is_locked=True)
    return list(bills.exclude(pk__in=known).values_list("pk", flat=True))


def _remember(bill_ids: Sequence[UUID], organization_id: UUID) -> None:
    LateUsageBill.objects.bulk_create(
        [LateUsageBill(bill_id=one, organization_id=organization_id) for one in bill_ids],
        ignore_conflicts=True,
        batch_size=1000,
    )
