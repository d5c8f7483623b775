from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("organizations", "0016_group_items_in_list_order")]

    operations = [
        AddConstraintNotValid(
            model_name="resourcegroupitem",
            constraint=models.CheckConstraint(
                condition=models.Q(("target_type", "GROUP"))
                | models.Q(("target_created_at__isnull", False)),
                name="resource_group_item_has_order",
            ),
        ),
        ValidateConstraint(
            model_name="resourcegroupitem", name="resource_group_item_has_order"
        ),
    ]
