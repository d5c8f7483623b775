"""Receivers written for another scheme get headers of other names (C4)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("integrations", "0002_sealed_secrets")]

    operations = [
        migrations.AddField(
            "webhookdestination",
            "header_names",
            models.JSONField(default=dict, blank=True),
        ),
    ]
