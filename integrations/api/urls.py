"""Addresses of this app's entities below the organization."""

from integrations.api import (
    configurations,
    export_destinations,
    export_jobs,
    export_schedules,
    mappings,
    marketplaces,
    runs,
    views,
)
from organizations.kernel.api.views import routes

urlpatterns = [
    *configurations.urlpatterns,
    *runs.urlpatterns,
    *mappings.urlpatterns,
    *marketplaces.urlpatterns,
    *routes(
        "integrationdestinations/webhooks",
        views.WebhookViewSet,
        more={
            "<str:id>/active": {"put": "activate"},
            "<str:id>/deliveries": {"get": "deliveries"},
            "<str:id>/deliveries/<str:delivery_id>/resend": {"post": "resend"},
        },
    ),
    *export_destinations.urlpatterns,
    *export_jobs.urlpatterns,
    *export_schedules.urlpatterns,
]
