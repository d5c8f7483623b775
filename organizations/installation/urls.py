"""Addresses of the operators' pages, below ``/admin/installation/``."""

from django.urls import path

from organizations.installation import pages

app_name = "installation"
urlpatterns = [
    path("organizations/", pages.organizations, name="organizations"),
    path("organizations/new/", pages.found, name="found"),
    path("organizations/<uuid:organization_id>/", pages.organization, name="organization"),
    *(
        path(
            f"organizations/<uuid:organization_id>/{deed}/",
            pages.set_status,
            {"deed": deed},
            name=deed,
        )
        for deed in pages.DEEDS
    ),
]
