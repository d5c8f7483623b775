"""Migrate as the owner of the tables; then make the policies and privileges of what is new."""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands.migrate import Command as MigrateCommand

from organizations.kernel import isolation, row_security


class Command(MigrateCommand):
    """Django's command between making the roles and protecting the tables."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Act as owner from the beginning: Django's checks ask the database before ``handle``."""
        with isolation.as_owner():
            return super().execute(*args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the migrations."""
        try:
            row_security.make_roles()
        except (row_security.RolesMissing, row_security.RoleTooMighty) as refusal:
            raise CommandError(str(refusal)) from refusal
        super().handle(*args, **options)
        row_security.protect()
        _rederive(options)


def _rederive(options: dict[str, Any]) -> None:
    """Bring grants up to date: they may be older than their module, or there may be none yet."""
    from django.db import DEFAULT_DB_ALIAS, connections
    from django.db.migrations.executor import MigrationExecutor

    from organizations import grants

    executor = MigrationExecutor(connections[options.get("database") or DEFAULT_DB_ALIAS])
    if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        grants.rederive_all()
