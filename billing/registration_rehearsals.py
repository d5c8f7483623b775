"""What the registry is told of rehearsals: no events, who started one is in the audit trail."""

from typing import Any

from billing.models import Rehearsal
from organizations.kernel import registry
from organizations.kernel.instants import iso_instant
from organizations.kernel.representing import audit, identity


def represent(row: Rehearsal) -> dict[str, Any]:
    """A rehearsal without its accounts."""
    return {
        **identity(row),
        "status": row.status,
        "lastDateInBillingPeriod": row.request.get("latest_date_in_billing_period"),
        "billingFrequency": row.request.get("billing_frequency"),
        "accountIds": row.request.get("account_ids", []),
        "total": row.total,
        "dtFinished": iso_instant(row.finished_at),
        **audit(row),
    }


def register() -> None:
    """Register the rehearsal."""
    registry.register(Rehearsal, "config:rehearsal", represent=represent)
