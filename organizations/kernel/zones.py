"""The timezone of an organization: the one place that reads it (PER-9).

It may be a region or an offset such as ``UTC+1:00``; ``periods.parse_timezone`` knows both.
"""

from datetime import tzinfo
from uuid import UUID

from organizations.kernel.periods import parse_timezone
from organizations.models import OrganizationConfig


def zone_of(organization_id: UUID) -> tzinfo:
    """Return the organization's timezone, with one query."""
    config = OrganizationConfig.objects.for_organization(organization_id)
    return parse_timezone(config.values_list("timezone", flat=True).get())
