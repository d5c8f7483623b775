"""Tell what is in groups already when it was made, in batches; of a row that is gone, its item."""

from django.db import connection, migrations
from psycopg import sql

from organizations.kernel import registry

BATCH = 10_000
OF_ROWS = sql.SQL("""
    UPDATE organizations_resourcegroupitem item SET target_created_at = target.created_at
    FROM {table} target WHERE item.id IN (
        SELECT held.id FROM organizations_resourcegroupitem held
        JOIN organizations_resourcegroup holder ON holder.id = held.group_id
        JOIN {table} named ON named.{column} = held.target_id
            AND named.organization_id = held.organization_id
        WHERE holder.type = %(type)s AND held.target_type = 'ITEM'
            AND held.target_created_at IS NULL
        LIMIT %(batch)s
    ) AND target.{column} = item.target_id AND target.organization_id = item.organization_id
""")
OF_OTHERS = """
    UPDATE organizations_resourcegroupitem SET target_created_at = created_at WHERE id IN (
        SELECT id FROM organizations_resourcegroupitem
        WHERE target_type = 'ITEM' AND target_created_at IS NULL LIMIT %(batch)s
    )
"""
TYPES = """
    SELECT DISTINCT holder.type FROM organizations_resourcegroupitem held
    JOIN organizations_resourcegroup holder ON holder.id = held.group_id
    WHERE held.target_type = 'ITEM' AND held.target_created_at IS NULL
"""


def fill(apps, schema_editor):
    # A new database holds nothing yet, and the tables of the apps above do not exist.
    with connection.cursor() as cursor:
        cursor.execute(TYPES)
        for (kind,) in cursor.fetchall():
            if resource := registry.of_type(kind):
                _repeat(cursor, _of_rows(resource), {"type": kind, "batch": BATCH})
        _repeat(cursor, OF_OTHERS, {"batch": BATCH})


def _of_rows(resource):
    meta = resource.model._meta
    field = meta.pk if resource.item_field == "pk" else meta.get_field(resource.item_field)
    return OF_ROWS.format(
        table=sql.Identifier(meta.db_table), column=sql.Identifier(field.column)
    )


def _repeat(cursor, statement, values):
    cursor.execute(statement, values)
    while cursor.rowcount:
        cursor.execute(statement, values)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("organizations", "0014_target_created_at")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=True)]
