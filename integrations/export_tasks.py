"""What workers do for exports. All of them may run twice: what is due is in the database."""

from uuid import UUID

from celery import shared_task

from integrations.exports import jobs, schedules
from integrations.models import ExportJob
from organizations.kernel import clock, isolation
from organizations.kernel.tenancy import within_that_of


@shared_task(name="integrations.run_export")
def run_export(*, job_id: str, **_later: object) -> None:
    """Write and copy the files of one job."""
    with within_that_of(ExportJob, job_id):
        jobs.run(UUID(job_id))


@shared_task(name="integrations.sweep_exports")
def sweep_exports(**_later: object) -> None:
    """Make the jobs of schedules that are due, and hand out jobs that nobody works on."""
    with isolation.everywhere():
        schedules.run_due(clock.now())
        waiting = jobs.due(clock.now())
    for job_id in waiting:
        jobs.enqueue(job_id)
