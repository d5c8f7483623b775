"""App configuration: what this app registers when Django starts."""

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    """Registers the app's resource types, representations and delete guards."""

    name = "integrations"
    verbose_name = "Integrations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tell the kernel's registry about this app."""
        from integrations import registration

        registration.register()
