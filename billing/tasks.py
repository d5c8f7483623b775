"""Background work of billing. A task finds its row and makes one call; each may run twice."""

from celery import shared_task

from billing.bills import chunks, lifecycle, runs, scheduling
from billing.models import BillJob, BillJobChunk
from billing.usage import partitions
from organizations.kernel import isolation
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


@shared_task(name="billing.measurement_partitions")
def measurement_partitions(**_later: object) -> None:
    """Make the partitions of the months to come."""
    partitions.maintain()
