"""Questions about usage that somebody keeps."""

from django.db import models

from organizations.kernel.exact_json import ExactJSONField
from organizations.kernel.tenancy import TenantModel, newest_first_index


class SavedQuery(TenantModel):
    """A question about usage under a name, as the wire says it (usage.md 13.2).

    ``usage_query`` has a ``timePeriod``, or both dates.
    """

    name = models.CharField(max_length=200)
    usage_query = ExactJSONField("query", default=dict)

    class Meta:
        verbose_name_plural = "saved queries"
        indexes = [newest_first_index("saved_query_newest")]

    def __str__(self) -> str:
        return self.name
