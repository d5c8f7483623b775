"""App configuration: what this app registers when Django starts."""

from django.apps import AppConfig


class OrganizationsConfig(AppConfig):
    """Registers the app's resource types, representations and delete guards."""

    name = "organizations"
    verbose_name = "Organization and access"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tell the kernel's registry about this app."""
        from organizations import registration

        registration.register()
