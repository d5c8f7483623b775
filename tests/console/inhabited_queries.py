"""A saved question."""

from typing import Any

from billing.models import SavedQuery


def saved_query(organization: Any, mark: str) -> SavedQuery:
    """Make a question about all measurements of a week."""
    return SavedQuery.objects.create(
        organization=organization,
        name=f"{mark} question",
        usage_query={"timePeriod": "LAST_7_DAYS"},
    )
