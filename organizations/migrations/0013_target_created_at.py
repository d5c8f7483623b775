from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("organizations", "0012_strict_codes")]

    operations = [
        migrations.AddField(
            model_name="resourcegroupitem",
            name="target_created_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
