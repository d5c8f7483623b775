"""Two database roles: the login owns the tables and migrates, everything else owns nothing.

Each connection switches to the application role when it opens. ``as_owner`` switches back for
migrations and for the making of partitions. Row-level security can stand behind the queries
because of it: policies do not bind the owner of a table, but they bind the application.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.backends.base.base import NO_DB_ALIAS, BaseDatabaseWrapper
from psycopg import sql

_owner_mode = False


def enter_role(sender: Any = None, *, connection: BaseDatabaseWrapper, **_kwargs: Any) -> None:
    """Make a new connection act as the application role, when there is one already."""
    if _owner_mode or connection.alias == NO_DB_ALIAS:
        return
    with connection.cursor() as cursor:
        # set_config instead of SET ROLE: before the first migration the role does not exist.
        cursor.execute(
            "SELECT set_config('role', rolname, false) FROM pg_roles WHERE rolname = %s",
            [settings.DATABASE_APPLICATION_ROLE],
        )


@contextmanager
def as_owner() -> Iterator[None]:
    """Act as the owner of the tables inside the block, new connections included."""
    global _owner_mode
    before, _owner_mode = _owner_mode, True
    try:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
        yield
    finally:
        _owner_mode = before
        if not before and connection.connection is not None and connection.is_usable():
            enter_role(connection=connection)


def make_application_role() -> None:
    """Make the application role when the cluster does not have it; the login becomes a member."""
    role = sql.Identifier(settings.DATABASE_APPLICATION_ROLE)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = %s",
            [settings.DATABASE_APPLICATION_ROLE],
        )
        found = cursor.fetchone()
        if found is None:
            cursor.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(role))
        cursor.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(role))


def grant_tables() -> None:
    """Let the application role read and write every table, but not change what is append-only."""
    role = sql.Identifier(settings.DATABASE_APPLICATION_ROLE)
    statements = [
        "GRANT USAGE ON SCHEMA public TO {}",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}",
        "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public "
        "GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {}",
        "REVOKE UPDATE, DELETE ON organizations_auditentry FROM {}",
    ]
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(sql.SQL(statement).format(role))
