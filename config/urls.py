"""Every address of the installation."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from config import api_document, operating_page
from config.dashboard import usage_view
from config.health import health
from config.metrics import metrics
from config.price_calculator import price_curve, price_of_units

handler400 = "organizations.kernel.api.errors.bad_request"
handler403 = "organizations.kernel.api.errors.permission_denied"
handler404 = "organizations.kernel.api.errors.not_found"
handler500 = "organizations.kernel.api.errors.server_error"

urlpatterns = [
    # First, because it is by far the busiest, and addresses are tried one after the other.
    path("", include("billing.api.measurements")),
    path("", include("organizations.api.urls")),
    path("", include("catalog.api.urls")),
    path("", include("billing.api.urls")),
    path("", include("notifications.api.urls")),
    path("", include("integrations.api.urls")),
    path("health", health, name="health"),
    path("metrics", metrics, name="metrics"),
    path("openapi.json", api_document.openapi_json, name="openapi"),
    path("docs/api", api_document.browse, name="api_docs"),
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/usage-chart/", usage_view, name="usage_chart"),
    path("admin/price-of-units/", price_of_units, name="price_of_units"),
    path("admin/price-curve/", price_curve, name="price_curve"),
    path("admin/sign-in/", include("organizations.signin.urls")),
    path("admin/installation/operation/", operating_page.view, name="operation"),
    path("admin/installation/", include("organizations.installation.urls")),
    path("admin/", admin.site.urls),
]
