"""Empty the database after a test that commits.

Django truncates every table and then makes content types and permissions anew, which takes as
long as many a test does. Few of the tables have rows, and those few: deleting is quicker.
"""

from typing import Any

from django.db import connection
from psycopg import sql

from organizations.kernel import isolation

# What migrations put there, and what Django remembers of it by number.
KEPT = {"django_migrations", "django_content_type", "auth_permission"}
LEDGER = "billing_balancetransaction"


def empty(*_: Any) -> None:
    """Delete every row that a test may have made, and the permissions its grants needed."""
    with isolation.as_owner(), connection.cursor() as cursor:
        tables = sorted(set(connection.introspection.table_names(cursor)) - KEPT)
        holds_rows = sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})")
        questions = [
            holds_rows.format(sql.Literal(table), sql.Identifier(table)) for table in tables
        ]
        cursor.execute(sql.SQL(" UNION ALL ").join(questions))
        filled = [table for (table,) in cursor.fetchall()]
        # Rows of a ledger are never deleted one by one.
        truncated = [LEDGER] if LEDGER in filled else []
        filled = [table for table in filled if table != LEDGER]
        # In one transaction: which row refers to which is asked at its end.
        steps = [sql.SQL("TRUNCATE {}").format(sql.Identifier(table)) for table in truncated]
        steps += [sql.SQL("DELETE FROM {}").format(sql.Identifier(table)) for table in filled]
        steps.append(sql.SQL("DELETE FROM auth_permission WHERE name LIKE 'Policy: %'"))
        cursor.execute(sql.SQL("; ").join(steps))
