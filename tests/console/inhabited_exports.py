"""A row of every kind of the pages about exports."""

from django.db import models

from integrations.models import ExportDestination
from organizations.founding import Founded


def exports(founded: Founded, mark: str) -> list[models.Model]:
    """Make a destination."""
    destination = ExportDestination.objects.create(
        organization=founded.organization,
        name=f"{mark} lake",
        code="lake",
        bucket_name="our-data-lake",
        iam_role_arn="arn:aws:iam::123456789012:role/exports",
    )
    return [destination]
