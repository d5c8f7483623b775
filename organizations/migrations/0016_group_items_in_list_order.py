from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """What a group holds, in list order; it takes the place of what a group holds, by id."""

    atomic = False

    dependencies = [("organizations", "0015_target_created_at_filled")]

    operations = [
        AddIndexConcurrently(
            model_name="resourcegroupitem",
            index=models.Index(
                condition=models.Q(("target_type", "ITEM")),
                fields=["organization", "group", "-target_created_at", "-target_id"],
                name="resource_group_item_ordered",
            ),
        ),
        RemoveIndexConcurrently(model_name="resourcegroupitem", name="resource_group_item_held"),
    ]
