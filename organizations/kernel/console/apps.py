"""Make ``django.contrib.admin.site`` the console."""

from django.contrib.admin.apps import AdminConfig


class ConsoleAdminConfig(AdminConfig):
    """Django's admin with our site; finds the ``admin`` packages of the apps."""

    default_site = "organizations.kernel.console.site.ConsoleSite"
