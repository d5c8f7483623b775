"""Accounts whose bills would lack something that is stored and not billed yet: they are parked.

Each is parked with a reason that names the feature, so that no bill is wrong. Whoever bills one
of them takes its line out of here.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import CharField, DateTimeField, F, Q, QuerySet, Value
from django.db.models.functions import Cast

from billing.bills.planning import PlannedBill
from billing.models import AccountPlan, Balance, Commitment
from organizations.kernel.among import Among
from organizations.kernel.errors import DomainError

COMMITMENTS = "prepayments are not billed yet, and the account has an active commitment"
BALANCES = "balances are not billed yet, and the account has an active balance"
CONTRACTS = (
    "contracts with a bill grouping key, period limits or usage filters are not billed yet, and "
    "a plan of the account belongs to one"
)
# Days of contracts are those of the organization's timezone; here all are taken as UTC.
_DAY = timedelta(days=1)


def refusals(organization_id: UUID, planned: Iterable[PlannedBill]) -> dict[UUID, DomainError]:
    """Return by account why it cannot be billed; one query for all accounts."""
    spans: dict[UUID, tuple[datetime, datetime]] = {}
    for bill in planned:
        start, end = bill.period.start, bill.period.end or bill.period.start
        known = spans.get(bill.account.id, (start, end))
        spans[bill.account.id] = (min(start, known[0]), max(end, known[1]))
    if not spans:
        return {}
    found: dict[UUID, DomainError] = {}
    for account_id, reason, start, end in _stored(organization_id, list(spans)):
        opens, closes = spans[account_id]
        begins_in_time = start < closes + _DAY
        if begins_in_time and (end is None or end > opens - _DAY):
            found[account_id] = DomainError(f"{reason[:1].upper()}{reason[1:]}.")
    return found


def _stored(organization_id: UUID, account_ids: list[UUID]) -> QuerySet[Any, Any]:
    """Return account, reason, and from when to when it matters."""

    def of(rows: QuerySet[Any], reason: str, start: str, end: str | None) -> QuerySet[Any, Any]:
        never = Value(None, output_field=DateTimeField())
        return (
            rows.filter(Among("account_id", account_ids), organization_id=organization_id)
            .order_by()
            .annotate(
                reason=Value(reason, output_field=CharField()),
                opens=Cast(F(start), DateTimeField()),
                closes=never if end is None else Cast(F(end), DateTimeField()),
            )
            .values_list("account_id", "reason", "opens", "closes")
        )

    has_effect = (
        Q(contract__bill_grouping_key__isnull=False)
        | Q(contract__apply_contract_period_limits=True)
        | ~Q(contract__usage_filters=[])
    )
    linked = AccountPlan.objects.filter(contract__isnull=False).filter(has_effect)
    return of(Commitment.objects.all(), COMMITMENTS, "start_date", "end_date").union(
        of(Balance.objects.all(), BALANCES, "start_date", "effective_end_date"),
        of(linked, CONTRACTS, "start_date", "end_date"),
        all=True,
    )
