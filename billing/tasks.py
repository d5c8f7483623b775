"""Background work of billing. A task finds its row and makes one call; each may run twice."""

from uuid import UUID

from celery import shared_task

from billing import balance_schedules
from billing.bills import chunks, lifecycle, mailing, runs, scheduling
from billing.late import law, listing
from billing.models import (
    BillEmail,
    BillJob,
    BillJobChunk,
    MeasurementUpload,
    Rehearsal,
    StatementJob,
)
from billing.rehearsing import rehearsals
from billing.statements import jobs as statement_jobs
from billing.usage import partitions, resubmission, uploads
from organizations.kernel import clock, isolation
from organizations.kernel.tenancy import within_that_of


@shared_task(name="billing.prepare_bill_job")
def prepare_bill_job(*, job_id: str, **_later: object) -> None:
    """Make the rows and chunks of a bill job."""
    with within_that_of(BillJob, job_id):
        runs.prepare(job_id)


@shared_task(name="billing.bill_chunk")
def bill_chunk(*, chunk_id: str, **_later: object) -> None:
    """Bill the accounts of one chunk of a bill job."""
    with within_that_of(BillJobChunk, chunk_id, path="bill_job__organization_id"):
        chunks.bill_chunk(chunk_id)


@shared_task(name="billing.sweep_chunks")
def sweep_chunks(**_later: object) -> None:
    """Go on with bill jobs that stand still."""
    with isolation.everywhere():
        chunks.sweep()


@shared_task(name="billing.auto_approve")
def auto_approve(**_later: object) -> None:
    """Approve bills whose grace period is over."""
    with isolation.everywhere():
        lifecycle.auto_approve()


@shared_task(name="billing.scheduled_billing")
def scheduled_billing(**_later: object) -> None:
    """Start the bill runs that organizations have scheduled."""
    with isolation.everywhere():
        scheduling.run_due()


@shared_task(name="billing.run_balance_schedules")
def run_balance_schedules(*, organization_id: str | None = None, **_later: object) -> None:
    """Post the transactions and make the charges that schedules of balances have due."""
    if organization_id is not None:
        with isolation.within(organization_id):
            balance_schedules.run_due(clock.now(), organization_id=UUID(organization_id))
        return
    with isolation.everywhere():
        balance_schedules.run_due(clock.now())


@shared_task(name="billing.check_late_usage")
def check_late_usage(*, organization_id: str | None = None, **_later: object) -> None:
    """List what arrived for locked bills; without an organization in all, one task each."""
    if organization_id is not None:
        with isolation.within(organization_id):
            listing.check(UUID(organization_id))
        return
    with isolation.everywhere():
        found = listing.organizations()
    for one in found:
        check_late_usage.delay(organization_id=str(one))


@shared_task(name="billing.compare_late_usage")
def compare_late_usage(*, organization_id: str | None = None, **_later: object) -> None:
    """Compare what is stored with what is billed and listed."""
    if organization_id is not None:
        with isolation.within(organization_id):
            law.compare(UUID(organization_id))
        return
    with isolation.everywhere():
        found = listing.organizations()
    for one in found:
        compare_late_usage.delay(organization_id=str(one))


@shared_task(name="billing.measurement_partitions")
def measurement_partitions(**_later: object) -> None:
    """Make the partitions of the months to come."""
    partitions.maintain()


@shared_task(name="billing.take_in_upload")
def take_in_upload(*, upload_id: str, **_later: object) -> None:
    """Take in the measurements of an uploaded file."""
    with within_that_of(MeasurementUpload, upload_id):
        uploads.take_in(UUID(upload_id))


@shared_task(name="billing.sweep_uploads")
def sweep_uploads(**_later: object) -> None:
    """Hand out uploaded files nobody works on."""
    with isolation.everywhere():
        uploads.sweep()


@shared_task(name="billing.resubmit_failures")
def resubmit_failures(*, organization_id: str, failure_ids: list[str], **_later: object) -> None:
    """Send failed usage again; what was sent again before is left alone."""
    with isolation.within(organization_id):
        resubmission.resubmit(UUID(organization_id), [UUID(one) for one in failure_ids])


@shared_task(name="billing.write_statement")
def write_statement(*, job_id: str, **_later: object) -> None:
    """Write the files of a statement job."""
    with within_that_of(StatementJob, job_id):
        statement_jobs.work_off(UUID(job_id))


@shared_task(name="billing.sweep_statements")
def sweep_statements(**_later: object) -> None:
    """Hand out statement jobs nobody works on."""
    with isolation.everywhere():
        statement_jobs.sweep()


@shared_task(name="billing.rehearse")
def rehearse(*, rehearsal_id: str, **_later: object) -> None:
    """Calculate what is left of a rehearsal."""
    with within_that_of(Rehearsal, rehearsal_id):
        rehearsals.work_off(UUID(rehearsal_id))


@shared_task(name="billing.sweep_rehearsals")
def sweep_rehearsals(**_later: object) -> None:
    """Hand out rehearsals that stand still, and delete old ones."""
    with isolation.everywhere():
        rehearsals.sweep()


@shared_task(name="billing.send_bill_email")
def send_bill_email(*, email_id: str, **_later: object) -> None:
    """Send one e-mail with a bill."""
    with within_that_of(BillEmail, email_id):
        mailing.work_off(UUID(email_id))


@shared_task(name="billing.sweep_bill_emails")
def sweep_bill_emails(**_later: object) -> None:
    """Hand out e-mails that are due."""
    with isolation.everywhere():
        mailing.sweep()
