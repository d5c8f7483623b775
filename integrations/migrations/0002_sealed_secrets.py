"""Secrets of webhooks are sealed; before, they stood in the database as they are."""

from collections.abc import Callable
from typing import Any

from django.db import migrations, models

from organizations.kernel import sealing

COLUMNS = ("sealed_secret", "sealed_previous_secret")
PURPOSE = "webhook secret"


def _rewrite(apps: Any, change: Callable[..., str]) -> None:
    for row in apps.get_model("integrations", "WebhookDestination").objects.iterator():
        for column in COLUMNS:
            if text := getattr(row, column):
                setattr(row, column, change(text, purpose=PURPOSE))
        row.save(update_fields=COLUMNS)


def seal(apps: Any, _editor: Any) -> None:
    """Seal every secret."""
    _rewrite(apps, sealing.seal)


def unseal(apps: Any, _editor: Any) -> None:
    """Write every secret as it is."""
    _rewrite(apps, sealing.unseal)


class Migration(migrations.Migration):
    dependencies = [("integrations", "0001_webhooks")]

    operations = [
        migrations.RenameField("webhookdestination", "secret", "sealed_secret"),
        migrations.RenameField("webhookdestination", "previous_secret", "sealed_previous_secret"),
        migrations.AlterField(
            "webhookdestination", "sealed_secret", models.TextField(editable=False)
        ),
        migrations.RunPython(seal, unseal),
    ]
