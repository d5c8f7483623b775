from django.db import migrations


class Migration(migrations.Migration):
    """A group is of one organization: taken for independent, PostgreSQL expects next to nothing
    of a group of many rows, and fetches them all instead of reading until a page is full."""

    dependencies = [("organizations", "0004_grants_by_row")]

    operations = [
        migrations.RunSQL(
            "CREATE STATISTICS resource_group_item_estimated (dependencies)"
            " ON organization_id, group_id, target_type FROM organizations_resourcegroupitem",
            "DROP STATISTICS resource_group_item_estimated",
        )
    ]
