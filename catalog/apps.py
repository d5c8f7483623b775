"""App configuration: what this app registers when Django starts."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """Registers the app's resource types, representations and delete guards."""

    name = "catalog"
    verbose_name = "Catalog"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tell the kernel's registry about this app."""
        from catalog import registration

        registration.register()
