from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("organizations", "0008_sign_in_settings_of_existing")]

    operations = [
        migrations.AddIndex(
            model_name="resourcegroupitem",
            index=models.Index(
                fields=["group", "target_id"],
                include=("organization", "target_type"),
                name="resource_group_item_held",
            ),
        ),
        migrations.AddIndex(
            model_name="resourcegroupitem",
            index=models.Index(
                condition=models.Q(("target_type", "GROUP")),
                fields=["group", "target_id"],
                name="resource_group_item_nested",
            ),
        ),
    ]
