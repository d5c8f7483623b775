"""Bills that were calculated with credit that a bill before them has drawn since."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0015_custom_sql_view")]

    operations = [
        migrations.AddField(
            model_name="bill",
            name="needs_recalculation",
            field=models.BooleanField(default=False, editable=False),
        ),
    ]
