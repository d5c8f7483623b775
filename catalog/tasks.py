"""Background work of the catalogue. A task finds its row and makes one call; each may run twice."""

from uuid import UUID

from celery import shared_task

from catalog.lookups import jobs
from catalog.models import LookupTableJob
from organizations.kernel import isolation
from organizations.kernel.tenancy import within_that_of


@shared_task(name="catalog.run_lookup_job")
def run_lookup_job(*, job_id: str, **_later: object) -> None:
    """Copy, take in or write the data of a revision of a lookup table."""
    with within_that_of(LookupTableJob, job_id):
        jobs.work_off(UUID(job_id))


@shared_task(name="catalog.sweep_lookup_jobs")
def sweep_lookup_jobs(**_later: object) -> None:
    """Hand out jobs of lookup tables nobody works on, and end those that are too old."""
    with isolation.everywhere():
        jobs.sweep()
