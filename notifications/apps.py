"""App configuration: what this app registers when Django starts."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """Registers the app's resource types, representations and delete guards."""

    name = "notifications"
    verbose_name = "Notifications"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tell the kernel's registry about this app."""
        from notifications import registration

        registration.register()
