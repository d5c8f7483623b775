"""The kinds of events that the contract tells apart from changes (B4)."""

from django.db.models import QuerySet

from organizations.kernel import registry

NOTIFICATION = "Notification"
KINDS = (NOTIFICATION, "IntegrationEvent", "IngestValidationFailure", "DataExportJobFailure")
_STARTS = {
    "IntegrationEvent": "integration.",
    "IngestValidationFailure": "ingest.validation.failure",
    "DataExportJobFailure": "dataexport.job.failure",
}


def narrow(rows: QuerySet, kind: str) -> QuerySet:
    """Leave the events of a kind, by names or by the rule, for both of which there is an index."""
    if kind == NOTIFICATION:
        return rows.filter(rule_id__isnull=False)
    names = [name for name in registry.other_events() if name.startswith(_STARTS[kind])]
    return rows.filter(name__in=names)
