"""Make the roles and policies behind ``isolation``; run by every ``migrate``, safe to repeat.

A table with a column ``organization_id`` is protected by the end of the ``migrate`` that made
it, without a word in its migration. Rows of a model without one are visible as far as the row they
belong to, whose foreign key the class names in ``belongs_to``. Nobody but the owner may change or
delete audit entries. Into partitions rows may be inserted, for COPY, and nothing else: they are
read, and protected, through the parent table.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import ProgrammingError, connection, transaction
from psycopg import errors, sql

from organizations.kernel import isolation
from organizations.models import AuditEntry, AuditSeal, Organization

# Compared without a subselect: a query names its organization too, so the planner sees that both
# are one, compares them once, and uses the indexes as without a policy.
CURRENT = "nullif(current_setting('billwright.organization', true), '')::uuid"
OWN = "{column} = " + CURRENT
OF_PARENT = "EXISTS (SELECT FROM {parent} parent WHERE parent.id = {column})"
ALL = "true"

TABLES = """
    SELECT c.relname, c.relispartition, c.relrowsecurity,
        EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid
                AND a.attname = 'organization_id' AND NOT a.attisdropped),
        coalesce((SELECT json_object_agg(p.polname, obj_description(p.oid, 'pg_policy'))
                  FROM pg_policy p WHERE p.polrelid = c.oid), '{}')
    FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
    ORDER BY c.relname
"""
ROLE = """
    SELECT rolsuper OR rolbypassrls, pg_has_role(current_user, oid, {membership})
    FROM pg_roles WHERE rolname = %s
"""
# From version 16 on who makes a role is a member without the right to act as it.
CAN_ACT_SINCE = 160000
# A policy is named for its role; the comment says what it was made from.
POLICY = (
    "DROP POLICY IF EXISTS {role} ON {table}",
    "CREATE POLICY {role} ON {table} TO {role} USING ({condition}) WITH CHECK ({condition})",
    "COMMENT ON POLICY {role} ON {table} IS {text}",
)
CUSTOM_SQL_VIEW = "billing_custom_sql_measurement"
READ_AND_WRITE = "SELECT, INSERT, UPDATE, DELETE"
APPEND = "SELECT, INSERT"
READ = "SELECT"


class RolesMissing(Exception):
    """The login may not make the roles or act as them; the message says what to do."""

    def __init__(self, missing: list[str], wanted: list[str]) -> None:
        made = "".join(f"CREATE ROLE {role} NOLOGIN; " for role in missing)
        what = "make" if missing else "act as"
        super().__init__(
            f"The login of DATABASE_URL may not {what} database roles. Have a superuser run: "
            f"{made}GRANT {', '.join(wanted)} TO {connection.settings_dict['USER']};"
        )


class RoleTooMighty(Exception):
    """A role that no policy binds would make the policies worthless."""

    def __init__(self, role: str) -> None:
        super().__init__(f"Role {role} is a superuser or has BYPASSRLS: choose another role.")


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it is, with the definitions its policies were made from."""

    name: str
    is_partition: bool
    is_protected: bool
    has_organization: bool
    policies: dict[str, str] = field(default_factory=dict)


def roles() -> tuple[str, str]:
    """Return the names of the role for one organization and of that for all."""
    return isolation.roles(settings.DATABASE_APPLICATION_ROLE)


def wanted_roles() -> tuple[str, ...]:
    """Return the roles the login makes; that of custom SQL only where it is allowed (9.8)."""
    if not settings.ALLOWS_CUSTOM_SQL:
        return roles()
    return (*roles(), isolation.custom_sql_role(settings.DATABASE_APPLICATION_ROLE))


def are_roles_made() -> bool:
    """Return whether the login can act as both roles: without that only migrating is possible."""
    with connection.cursor() as cursor:
        return all(_found(cursor, role)[:2] == (True, True) for role in wanted_roles())


def make_roles() -> None:
    """Make the roles where the cluster does not have them; the login becomes a member.

    Raises ``RolesMissing`` or ``RoleTooMighty``.
    """
    with connection.cursor() as cursor:
        found = {role: _found(cursor, role) for role in wanted_roles()}
        for role, (exists, _, is_mighty) in found.items():
            if exists and is_mighty:
                raise RoleTooMighty(role)
        try:
            with transaction.atomic():
                for role, (exists, can_act, _) in found.items():
                    if not exists:
                        cursor.execute(_with_role("CREATE ROLE {role} NOLOGIN", role))
                    if not can_act:
                        cursor.execute(_with_role("GRANT {role} TO CURRENT_USER", role))
        except ProgrammingError as error:
            if isinstance(error.__cause__, errors.InsufficientPrivilege):
                missing = [role for role, (exists, _, _) in found.items() if not exists]
                wanted = [role for role, (_, can_act, _) in found.items() if not can_act]
                raise RolesMissing(missing, wanted) from error
            raise


def _found(cursor: Any, role: str) -> tuple[bool, bool, bool]:
    """Return whether a role exists, whether the login can act as it, and is it above policies."""
    membership = "'SET'" if connection.pg_version >= CAN_ACT_SINCE else "'MEMBER'"
    cursor.execute(ROLE.format(membership=membership), [role])
    row = cursor.fetchone()
    return (False, False, False) if row is None else (True, row[1], row[0])


def protect() -> None:
    """Grant the roles what they may do and make every policy as it is wanted now."""
    with connection.cursor() as cursor:
        for role in roles():
            cursor.execute(_with_role("GRANT USAGE ON SCHEMA public TO {role}", role))
            statement = "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}"
            cursor.execute(_with_role(statement, role))
        # Until it is protected nobody may touch a new table.
        statement = "ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM {role}"
        cursor.execute(_with_role(statement, settings.DATABASE_APPLICATION_ROLE))
    if settings.ALLOWS_CUSTOM_SQL:
        protect_custom_sql()
    for table in tables():
        with transaction.atomic():
            if table.is_partition:
                restrict_partition(table.name)
                continue
            _make_policies(table, policies(table))
            _grant(table)


def protect_custom_sql() -> None:
    """Let the role of custom SQL read one view of measurements and nothing else of ours."""
    role = isolation.custom_sql_role(settings.DATABASE_APPLICATION_ROLE)
    with connection.cursor() as cursor:
        for statement in (
            "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}",
            "GRANT USAGE ON SCHEMA public TO {role}",
            f"GRANT SELECT ON {CUSTOM_SQL_VIEW} TO {{role}}",
        ):
            cursor.execute(_with_role(statement, role))


def restrict_partition(name: str) -> None:
    """Let the roles do nothing but insert into a partition; for COPY, which no policy allows."""
    table = sql.Identifier(name)
    with connection.cursor() as cursor:
        for role in roles():
            cursor.execute(_with_role("REVOKE ALL ON {table} FROM {role}", role, table=table))
            cursor.execute(_with_role("GRANT INSERT ON {table} TO {role}", role, table=table))


def tables() -> Iterator[Table]:
    """Yield every table of ours, partitions included."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        for row in cursor.fetchall():
            yield Table(*row)


def policies(table: Table) -> dict[str, str]:
    """Return what each role may see of a table; nothing for one that no organization owns."""
    application, everywhere = roles()
    parents = _parents()
    if table.name == Organization._meta.db_table:
        return {application: OWN.format(column="id"), everywhere: ALL}
    if table.has_organization:
        return {application: OWN.format(column="organization_id"), everywhere: ALL}
    if table.name in parents:
        column, parent = parents[table.name]
        return {application: OF_PARENT.format(parent=parent, column=column), everywhere: ALL}
    return {}


def _parents() -> dict[str, tuple[str, str]]:
    """Return, by table, the column that names the row a row belongs to, and that row's table."""
    links = {
        model._meta.db_table: model._meta.get_field(model.belongs_to)
        for model in apps.get_models()
        if hasattr(model, "belongs_to")
    }
    return {
        table: (link.column, link.related_model._meta.db_table) for table, link in links.items()
    }


def _make_policies(table: Table, wanted: dict[str, str]) -> None:
    name = sql.Identifier(table.name)
    with connection.cursor() as cursor:
        if wanted and not table.is_protected:
            cursor.execute(sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(name))
        if table.is_protected and not wanted:
            cursor.execute(sql.SQL("ALTER TABLE {} DISABLE ROW LEVEL SECURITY").format(name))
        for policy in table.policies.keys() - wanted.keys():
            cursor.execute(_with_role("DROP POLICY {role} ON {table}", policy, table=name))
        for role, condition in wanted.items():
            if table.policies.get(role) == condition:
                continue
            parts = {"table": name, "condition": sql.SQL(condition), "text": sql.Literal(condition)}
            for statement in POLICY:
                cursor.execute(_with_role(statement, role, **parts))


def _grant(table: Table) -> None:
    name = sql.Identifier(table.name)
    with connection.cursor() as cursor:
        for role in roles():
            rights = _rights(table, role)
            cursor.execute(_with_role("REVOKE ALL ON {table} FROM {role}", role, table=name))
            cursor.execute(_with_role(f"GRANT {rights} ON {{table}} TO {{role}}", role, table=name))


def _rights(table: Table, role: str) -> str:
    if table.name == AuditEntry._meta.db_table:
        return APPEND
    if table.name == AuditSeal._meta.db_table and role == settings.DATABASE_APPLICATION_ROLE:
        return READ  # seals are about all organizations, by number
    return READ_AND_WRITE


def _with_role(statement: str, role: str, **parts: sql.Composable) -> sql.Composed:
    return sql.SQL(statement).format(role=sql.Identifier(role), **parts)
