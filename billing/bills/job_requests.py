"""What a caller may ask of a bill job, checked (JOB-4), and what the job then wants (JOB-5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from billing.bills.selection import (
    EPOCHS,
    DueBills,
    Overrides,
    PrintedDates,
    TheseBills,
    conversions,
)
from billing.models import Account, Bill, BillJob, BillJobType
from organizations.kernel import ids
from organizations.kernel.errors import FieldRefused
from organizations.kernel.periods import local_date, parse_timezone
from organizations.models import Currency, Organization, OrganizationConfig

ACCOUNTS_AT_MOST = 100
BILLS_AT_MOST = 100
CONVERSIONS_AT_MOST = 250
_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "ANNUALLY", "AD_HOC")

_RELATED = """
WITH named AS (
    SELECT bill.boundary_date, bill.account_id, COALESCE(a.parent_account_id, a.id) AS head
      FROM billing_bill bill JOIN billing_account a ON a.id = bill.account_id
     WHERE bill.organization_id = %s AND bill.id = ANY(%s)
)
SELECT DISTINCT bill.id
  FROM named
  JOIN billing_account a ON named.head IN (a.id, a.parent_account_id) AND a.id <> named.account_id
  JOIN billing_bill bill ON bill.account_id = a.id AND bill.boundary_date = named.boundary_date
 WHERE bill.organization_id = %s AND (%s OR NOT bill.is_locked)
 ORDER BY bill.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """The fields of a bill job request; what is left out is as configured.

    ``account_ids`` left out: all accounts; an empty list is refused (JOB-19).
    ``currency_conversions`` as on the wire: ``{from, to, multiplier}``.
    """

    latest_date_in_billing_period: date | None = None
    billing_frequency: str | None = None
    bill_frequency_interval: int | None = None
    account_ids: Sequence[str | UUID] | None = None
    bill_date: date | None = None
    due_date: date | None = None
    external_invoice_date: date | None = None
    target_currency: str | None = None
    currency_conversions: Sequence[Mapping[str, Any]] = ()
    timezone: str | None = None
    year_epoch: date | None = None
    month_epoch: date | None = None
    week_epoch: date | None = None
    day_epoch: date | None = None


def check(
    organization: Organization, config: OrganizationConfig, request: JobRequest, *, at: datetime
) -> BillJob:
    """Return the unsaved job; raises ``FieldRefused`` naming the first field that is wrong."""
    zone = parse_timezone(request.timezone or config.timezone)
    account_ids = _check_accounts(organization, request.account_ids)
    _check_frequency(request)
    _check_currency(organization, request.target_currency)
    rates = _check_conversions(request.currency_conversions)
    return BillJob(
        organization=organization,
        latest_date_in_billing_period=(
            request.latest_date_in_billing_period or local_date(at, zone)
        ),
        billing_frequency=request.billing_frequency,
        bill_frequency_interval=request.bill_frequency_interval,
        account_ids=[str(account_id) for account_id in account_ids],
        bill_date=request.bill_date,
        due_date=request.due_date,
        external_invoice_date=request.external_invoice_date,
        target_currency=request.target_currency,
        currency_conversions=rates,
        timezone=request.timezone,
        **{f"{name}_epoch": getattr(request, f"{name}_epoch") for name in EPOCHS},
    )


def check_recalculation(organization: Organization, bill_ids: Sequence[str | UUID]) -> list[UUID]:
    """Return the ids of bills that exist, each once; at most 100 (JOB-1)."""
    if not bill_ids:
        raise FieldRefused("billIds", "give at least one bill.")
    if len(bill_ids) > BILLS_AT_MOST:
        raise FieldRefused("billIds", f"at most {BILLS_AT_MOST} bills can be named.")
    bills = Bill.objects.for_organization(organization)
    return _known("billIds", "bill", bill_ids, bills)


def with_families(
    organization_id: UUID, bill_ids: Sequence[UUID], *, is_locked_too: bool = False
) -> list[UUID]:
    """Return the bills with those of the same date that others in their families have (PAR-10).

    They share usage and credit; a locked one stays as it is. One query.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RELATED, [organization_id, list(bill_ids), organization_id, is_locked_too])
        related = [row[0] for row in cursor.fetchall()]
    return list(dict.fromkeys([*bill_ids, *related]))


def wanted(job: BillJob) -> DueBills | TheseBills:
    """Return which bills a job is about and what it sets."""
    if job.type == BillJobType.RECALCULATE:
        return TheseBills(frozenset(UUID(bill_id) for bill_id in job.bill_ids))
    return DueBills(
        on=job.latest_date_in_billing_period,
        frequency=job.billing_frequency,
        interval=job.bill_frequency_interval,
        overrides=Overrides(
            timezone=job.timezone,
            target_currency=job.target_currency,
            conversions=conversions(job.currency_conversions),
            epochs={
                name: day for name in EPOCHS if (day := getattr(job, f"{name}_epoch")) is not None
            },
        ),
        dates=PrintedDates(job.bill_date, job.due_date, job.external_invoice_date),
        late_data_at=job.created_at if job.is_scheduled else None,
    )


def _check_accounts(organization: Organization, sent: Sequence[str | UUID] | None) -> list[UUID]:
    if sent is None:
        return []
    if not sent:
        raise FieldRefused("accountIds", "names no account; leave it out to bill all accounts.")
    if len(sent) > ACCOUNTS_AT_MOST:
        raise FieldRefused(
            "accountIds", f"at most {ACCOUNTS_AT_MOST} accounts can be named; none means all."
        )
    return _known("accountIds", "account", sent, Account.objects.for_organization(organization))


def _known(field: str, kind: str, sent: Sequence[str | UUID], rows: Any) -> list[UUID]:
    """Return the sent ids without repetitions; refuses those that no row has."""
    parsed = {value: ids.parse(value) for value in sent}
    known = set(
        rows.filter(pk__in=[key for key in parsed.values() if key]).values_list("pk", flat=True)
    )
    unknown = [str(value) for value, key in parsed.items() if key not in known]
    if unknown:
        raise FieldRefused(field, f"there is no {kind} {', '.join(unknown[:10])}.")
    return list(dict.fromkeys(key for key in parsed.values() if key))


def _check_frequency(request: JobRequest) -> None:
    frequency, interval = request.billing_frequency, request.bill_frequency_interval
    if frequency is not None and frequency not in _FREQUENCIES:
        raise FieldRefused("billingFrequency", f"must be one of {', '.join(_FREQUENCIES)}.")
    if interval is not None and not 1 <= interval <= 365:
        raise FieldRefused("billFrequencyInterval", "must be between 1 and 365.")


def _check_currency(organization: Organization, code: str | None) -> None:
    if code is None:
        return
    currencies = Currency.objects.for_organization(organization)
    if not currencies.filter(code=code, is_archived=False).exists():
        raise FieldRefused(
            "targetCurrency",
            f"the organization has no currency {code} (codes are compared exactly), "
            "or it is archived.",
        )


def _check_conversions(sent: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    if len(sent) > CONVERSIONS_AT_MOST:
        raise FieldRefused(
            "currencyConversions", f"at most {CONVERSIONS_AT_MOST} conversions can be given."
        )
    rates = []
    for rate in sent:
        multiplier = rate.get("multiplier")
        if not rate.get("from") or not rate.get("to"):
            raise FieldRefused("currencyConversions", "each needs from and to.")
        if not isinstance(multiplier, int | Decimal) or not 0 < multiplier < Decimal("1E20"):
            raise FieldRefused("currencyConversions", "each needs a multiplier above 0.")
        rates.append({"from": rate["from"], "to": rate["to"], "multiplier": Decimal(multiplier)})
    return rates
