"""Addresses of the lock date, statements and the bill explorer."""

from billing.api import (
    bill_changes,
    bill_config,
    bill_csv,
    bill_explorer,
    date_changes,
    late_usage,
    rehearsals,
    statements,
)

urlpatterns = [
    *bill_changes.urlpatterns,
    *bill_config.urlpatterns,
    *bill_csv.urlpatterns,
    *bill_explorer.urlpatterns,
    *date_changes.urlpatterns,
    *late_usage.urlpatterns,
    *rehearsals.urlpatterns,
    *statements.urlpatterns,
]
