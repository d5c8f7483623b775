"""Accounts that could not be billed: the reason in plain words, and an alert for people."""

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Sum

from billing.bills import reading
from billing.models import Account, Bill, BillJob, BillJobAccount
from organizations import alerts
from organizations.kernel.errors import DomainError
from organizations.kernel.money import Currency, plain
from organizations.models import Alert, AlertSeverity

UNEXPECTED = (
    "An unexpected error stopped the calculation of this account. Nothing was changed; the "
    "details are in the log of the worker. Try again, and tell whoever runs this installation."
)
PARKED_ALERT = "BILL_JOB_ACCOUNT_PARKED"
FAULT_ALERT = "CALCULATION_FAILED"
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


def alert(job: BillJob, reasons: Mapping[UUID, str], *, at: datetime) -> None:
    """Raise one ERROR alert per parked account (JOB-10, CUR-4)."""
    if not reasons:
        return
    codes = Account.objects.filter(pk__in=reasons).values_list("pk", "code")
    alerts.raise_many(
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


def alert_faults(
    job: BillJob, faults: Mapping[UUID, tuple[str, Iterable[str]]], *, at: datetime
) -> None:
    """Raise one WARN alert per calculation that failed; its account is billed without it (11.4).

    ``faults`` have by account its code and the calculations with the reasons.
    """
    alerts.raise_many(
        Alert(
            organization_id=job.organization_id,
            created_at=at,
            modified_at=at,
            severity=AlertSeverity.WARN,
            type=FAULT_ALERT,
            description=f"Account {code} was billed without compound aggregation {fault}.",
            account_id=account_id,
            resource_id=job.pk,
        )
        for account_id, (code, reasons) in faults.items()
        for fault in reasons
    )


def alert_complete(job: BillJob, *, at: datetime) -> None:
    """Raise the one INFO alert of a job that is complete, with what its bills come to (JOB-10)."""
    only = _only_account(job)
    whom = f" ({only.code})" if only else ""
    told = Alert(
        organization_id=job.organization_id,
        created_at=at,
        modified_at=at,
        severity=AlertSeverity.INFO,
        type=COMPLETE_ALERT,
        description=(
            f"Bill job complete: {job.billed} of {job.total} accounts billed{whom}, "
            f"{job.skipped} with nothing to bill or a locked bill, {job.parked} parked."
            f"{_totals(job)}"
        ),
        account_id=only.pk if only else None,
        resource_id=job.pk,
    )
    alerts.raise_many([told])


def _only_account(job: BillJob) -> Account | None:
    """Return the account of a job about a single one."""
    if job.total != 1:
        return None
    return Account.objects.filter(
        pk__in=BillJobAccount.objects.filter(bill_job=job).values("account_id")
    ).first()


def _totals(job: BillJob) -> str:
    """Return the sum of the job's bills by currency, as a sentence."""
    bills = Bill.objects.for_organization(job.organization_id).filter(bill_job=job)
    sums = bills.values_list("currency").annotate(Sum("total")).order_by("currency")
    currencies = reading.currencies(job.organization_id)
    shown = " and ".join(
        _money(total, currencies.get(code) or Currency(code)) for code, total in sums
    )
    return f" Their bills come to {shown}." if shown else ""


def _money(total: Decimal, currency: Currency) -> str:
    """Write an amount as people do, with all the decimals it has and no fewer than usual."""
    decimals = len(plain(total).partition(".")[2])
    return f"{total:,.{max(decimals, currency.max_decimal_places)}f} {currency.code}"
