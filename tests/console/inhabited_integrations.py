"""A row of every kind of the pages about systems outside."""

from django.db import models

from integrations.models import ExternalMapping
from organizations.founding import Founded


def integrations(founded: Founded, mark: str) -> list[models.Model]:
    """Make a mapping of something no page knows."""
    mapping = ExternalMapping.objects.create(
        organization=founded.organization,
        entity="Ship",
        entity_identity=f"{mark} ship",
        external_system="Registry",
        external_table="Vessel",
        external_id=f"{mark} vessel",
    )
    return [mapping]
