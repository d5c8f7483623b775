"""Migrate as the owner of the tables, and let the application role at what is new."""

from typing import Any

from django.core.management.commands.migrate import Command as MigrateCommand

from organizations.kernel import isolation


class Command(MigrateCommand):
    """Django's command between making the application role and granting it the tables."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the migrations as owner."""
        with isolation.as_owner():
            isolation.make_application_role()
            super().handle(*args, **options)
            if _has_tables():
                isolation.grant_tables()


def _has_tables() -> bool:
    from django.db import connection

    return "organizations_auditentry" in connection.introspection.table_names()
