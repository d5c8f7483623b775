"""Lists by period: the month filter of the console, and what the explorer of bills reads."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0017_failed_usage")]
    operations = [
        migrations.AddIndex(
            model_name="bill",
            index=models.Index(fields=["organization", "start_date"], name="bill_start"),
        ),
        migrations.AddIndex(
            model_name="bill",
            index=models.Index(fields=["organization", "end_date"], name="bill_end"),
        ),
    ]
