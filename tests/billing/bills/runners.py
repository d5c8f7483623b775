"""Run bill jobs in tests as worker and broker would, in this process."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from billing.bills import chunks, runs
from billing.bills.job_requests import JobRequest
from billing.models import Account, Bill, BillJob
from billing.usage import store
from catalog.models import Meter
from organizations.kernel import ids, principals
from organizations.models import Organization


def instant(text: str) -> datetime:
    """A date is midnight in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def start(organization: Organization, on: str, **fields: Any) -> BillJob:
    """Start a job for the period that contains the day, without working on it."""
    request = JobRequest(latest_date_in_billing_period=date.fromisoformat(on), **fields)
    return runs.start(
        organization, request, by=principals.system(organization.pk), at=instant("2024-09-01")
    )


def work_off(job: BillJob) -> BillJob:
    """Do what a worker would: prepare the job and bill its chunks."""
    runs.prepare(job.pk)
    for chunk in job.chunks.order_by("number"):
        chunks.bill_chunk(chunk.pk)
    job.refresh_from_db()
    return job


def run(organization: Organization, on: str, **fields: Any) -> BillJob:
    """Start a job and work it off."""
    return work_off(start(organization, on, **fields))


def use(account: Account, meter: Meter, at: str, quantity: str | int) -> None:
    """Store one measurement of the meter's first field."""
    code = meter.data_fields[0]["code"]
    when = instant(at)
    store.append(
        account.organization_id,
        [
            store.Measurement(
                account.pk, meter.pk, when, None, str(ids.new_id()), {code: Decimal(quantity)}
            )
        ],
        at=when,
    )


def shown(bill: Bill) -> list[tuple[str, Decimal]]:
    """Return type and subtotal of the bill's lines in their order."""
    lines = bill.line_items.order_by("sequence_number")
    return [(line.line_item_type, line.subtotal) for line in lines]
