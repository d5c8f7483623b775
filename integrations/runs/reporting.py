"""What marketplaces have been told: kept with the end of each attempt, read before the next (A10).

A sender meters the difference between a bill and what is here, so what an attempt has brought there
is added in the transaction that ends it, whether it succeeded or failed half-way.
"""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from billing.models import Bill
from integrations.models import IntegrationRun, MarketplaceReport
from integrations.systems import known
from integrations.systems.base import NOTHING_REPORTED, Reported
from organizations.kernel import ids

# As the report calls the systems; every other one is called by its identifier.
WORDS = {"AZURE": "Azure"}


def word(destination: str) -> str:
    """Return what the report calls a system."""
    system = known.find(destination)
    identifier = system.identifier if system else destination
    return WORDS.get(identifier, identifier)


def hour(run: IntegrationRun) -> datetime | None:
    """Return the hour a run meters for: the one it was begun in, for every attempt."""
    if run.started_at is None:
        return None
    return run.started_at.replace(minute=0, second=0, microsecond=0)


def before(run: IntegrationRun) -> Reported:
    """Return what the system was told of the bill of a run so far."""
    bill_id = _bill_of(run)
    row = None
    if bill_id is not None:
        rows = MarketplaceReport.objects.filter(organization_id=run.organization_id)
        row = rows.filter(bill_id=bill_id, external_system=word(run.destination)).first()
    if row is None:
        return NOTHING_REPORTED
    return {
        dimension: {at: Decimal(amount) for at, amount in hours.items()}
        for dimension, hours in row.reported_usage.items()
    }


def keep(run: IntegrationRun, reported: Reported, at: datetime) -> None:
    """Add what an attempt of a run has metered to what was metered before."""
    bill_id = _bill_of(run)
    if not reported or bill_id is None:
        return
    with transaction.atomic():
        made = begun(run.organization_id, bill_id, word(run.destination), at)
        row = MarketplaceReport.objects.select_for_update(no_key=True).get(pk=made.pk)
        row.reported_usage = added(row.reported_usage, reported)
        row.modified_at = at
        row.save(update_fields=["reported_usage", "modified_at"])


def begun(
    organization_id: UUID, bill_id: UUID | None, system: str, at: datetime
) -> MarketplaceReport:
    """Return the report of a bill to a system, made where there is none yet."""
    bill = Bill.objects.filter(pk=bill_id, organization_id=organization_id).first()
    made, _ = MarketplaceReport.objects.get_or_create(
        organization_id=organization_id,
        bill_id=bill_id,
        external_system=system,
        defaults={
            "account_id": bill.account_id if bill else None,
            "bill_start_date": bill.start_date if bill else None,
            "created_at": at,
            "modified_at": at,
        },
    )
    return made


def added(known_so_far: Reported, more: Reported) -> dict[str, dict[str, Decimal]]:
    """Return both together, hour by hour."""
    total = {dimension: dict(hours) for dimension, hours in known_so_far.items()}
    for dimension, hours in more.items():
        kept = total.setdefault(dimension, {})
        for at, amount in hours.items():
            kept[at] = kept.get(at, Decimal(0)) + amount
    return total


def _bill_of(run: IntegrationRun) -> UUID | None:
    return ids.parse(run.entity_id) if run.entity_type.lower() == "bill" else None
