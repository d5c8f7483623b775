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
                _rederive(options)


def _rederive(options: dict[str, Any]) -> None:
    """Bring grants up to date: they may be older than their module, or there may be none yet."""
    from django.db import DEFAULT_DB_ALIAS, connections
    from django.db.migrations.executor import MigrationExecutor

    from organizations import grants

    executor = MigrationExecutor(connections[options.get("database") or DEFAULT_DB_ALIAS])
    if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        grants.rederive_all()


def _has_tables() -> bool:
    from django.db import connection

    return "organizations_auditentry" in connection.introspection.table_names()
