from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("organizations", "0013_records_with_fewer_indexes")]

    operations = [
        migrations.AddField(
            model_name="resourcegroupitem",
            name="target_created_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
