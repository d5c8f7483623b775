"""App configuration: what this app registers when Django starts."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    """Registers the app's resource types, representations and delete guards."""

    name = "billing"
    verbose_name = "Billing"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tell the kernel's registry about this app."""
        from billing import registration

        registration.register()
