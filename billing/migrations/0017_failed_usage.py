"""What people call measurements that could not be stored."""

from django.db import migrations


class Migration(migrations.Migration):
    """Names only; nothing in the database changes."""

    dependencies = [("billing", "0016_bills_to_calculate_again")]

    operations = [
        migrations.AlterModelOptions(
            name="ingestfailure",
            options={
                "verbose_name": "failed measurement",
                "verbose_name_plural": "failed usage",
            },
        ),
    ]
