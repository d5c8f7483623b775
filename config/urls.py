"""Every address of the installation."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from config.health import health

handler404 = "organizations.kernel.api.errors.not_found"
handler500 = "organizations.kernel.api.errors.server_error"

urlpatterns = [
    path("", include("organizations.api.urls")),
    path("", include("catalog.api.urls")),
    path("", include("billing.api.urls")),
    path("health", health, name="health"),
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
]
