"""Call a membership what people call it: a user of the organization."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("organizations", "0010_grants_by_row")]

    operations = [
        migrations.AlterModelOptions(name="membership", options={"verbose_name": "user"}),
    ]
