"""A row of every kind of the pages about exports."""

from django.db import models
from django.utils import timezone

from integrations.models import ExportDestination, ExportJob, ExportSchedule
from organizations.founding import Founded


def exports(founded: Founded, mark: str) -> list[models.Model]:
    """Make a destination, a job and a schedule."""
    destination = ExportDestination.objects.create(
        organization=founded.organization,
        name=f"{mark} lake",
        code="lake",
        bucket_name="our-data-lake",
        iam_role_arn="arn:aws:iam::123456789012:role/exports",
    )
    job = ExportJob.objects.create(
        organization=founded.organization,
        source_type="OPERATIONAL",
        settings={"operationalDataTypes": ["ACCOUNTS"], "exportFileFormat": "CSV"},
        run_as_id=founded.organization.pk,
        run_as_kind="SERVICE_USER",
        failure_reason=f"{mark} is away",
    )
    schedule = ExportSchedule.objects.create(
        organization=founded.organization,
        name=f"{mark} nightly",
        code="nightly",
        source_type="OPERATIONAL",
        settings={"operationalDataTypes": ["ACCOUNTS"], "exportFileFormat": "CSV"},
        schedule_type="DAY",
        period=1,
        run_as_id=founded.organization.pk,
        run_as_kind="SERVICE_USER",
        next_run_at=timezone.now(),
    )
    return [destination, job, schedule]
