from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0005_lookup_tables")]
    operations = [
        migrations.AddField(
            model_name="aggregation",
            name="custom_sql",
            field=models.TextField(
                blank=True,
                help_text="Of method custom SQL: one SELECT from measurements that gives one number.",
                max_length=2048,
                null=True,
                verbose_name="custom SQL",
            ),
        ),
        migrations.AlterField(
            model_name="aggregation",
            name="aggregation",
            field=models.CharField(
                choices=[
                    ("SUM", "Sum"), ("MIN", "Minimum"), ("MAX", "Maximum"), ("COUNT", "Count"),
                    ("LATEST", "Latest"), ("MEAN", "Mean"), ("UNIQUE", "Unique"),
                    ("CUSTOM_SQL", "Custom SQL"),
                ],
                max_length=16,
                verbose_name="method",
            ),
        ),
    ]
