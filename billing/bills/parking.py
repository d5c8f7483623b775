"""Accounts that could not be billed: the reason in plain words, and an alert for people."""

import logging
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from billing.models import Account, BillJob, BillJobAccount
from organizations.kernel.errors import DomainError
from organizations.models import Alert, AlertSeverity

UNEXPECTED = (
    "An unexpected error stopped the calculation of this account. Nothing was changed; the "
    "details are in the log of the worker. Try again, and tell whoever runs this installation."
)
PARKED_ALERT = "BILL_JOB_ACCOUNT_PARKED"
COMPLETE_ALERT = "BILL_JOB_COMPLETE"

logger = logging.getLogger(__name__)


def reason(error: Exception, *, job: BillJob, account_id: UUID) -> str:
    """Return why an account is parked; what nobody expected goes to the log with its traceback."""
    if isinstance(error, DomainError):
        return error.message
    logger.error(
        "Account %s of bill job %s could not be billed.", account_id, job.pk, exc_info=error
    )
    return UNEXPECTED


def alert(job: BillJob, parked: Iterable[BillJobAccount], *, at: datetime) -> None:
    """Raise one ERROR alert per parked account (JOB-10, CUR-4)."""
    reasons = {row.account_id: row.reason for row in parked}
    if not reasons:
        return
    codes = Account.objects.filter(pk__in=reasons).values_list("pk", "code")
    Alert.objects.bulk_create(
        Alert(
            organization_id=job.organization_id,
            created_at=at,
            modified_at=at,
            severity=AlertSeverity.ERROR,
            type=PARKED_ALERT,
            description=f"Account {code} was not billed: {reasons[account_id]}",
            account_id=account_id,
            resource_id=job.pk,
        )
        for account_id, code in codes
    )


def alert_complete(job: BillJob, *, at: datetime) -> None:
    """Raise the one INFO alert of a job that is complete."""
    Alert.objects.create(
        organization_id=job.organization_id,
        created_at=at,
        modified_at=at,
        severity=AlertSeverity.INFO,
        type=COMPLETE_ALERT,
        description=(
            f"Bill job complete: {job.billed} of {job.total} accounts billed, "
            f"{job.skipped} with nothing to bill or a locked bill, {job.parked} parked."
        ),
        resource_id=job.pk,
    )
