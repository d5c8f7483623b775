"""A row of every kind of the pages about exports."""

from django.db import models

from integrations.models import ExportDestination, ExportJob
from organizations.founding import Founded


def exports(founded: Founded, mark: str) -> list[models.Model]:
    """Make a destination and a job."""
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
    return [destination, job]
