"""App configuration of the app that ties the others together."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Holds management commands, the dashboard and the health page."""

    name = "config"
    verbose_name = "Billwright"
