"""Destinations were told of every event; now a rule about every event tells them."""

from typing import Any

from django.db import migrations

from organizations.kernel import ids

CODE = "everything"


def connect(apps: Any, schema_editor: Any) -> None:
    """Make the rule for each organization with destinations, and connect them."""
    destinations = apps.get_model("integrations", "WebhookDestination")
    rules = apps.get_model("notifications", "NotificationConfiguration")
    links = apps.get_model("integrations", "IntegrationConfiguration")
    made: dict[Any, Any] = {}
    for row in destinations.objects.order_by("organization_id", "created_at").iterator():
        rule = made.get(row.organization_id)
        if rule is None:
            rule = made[row.organization_id] = rules.objects.create(
                id=ids.new_id(),
                organization_id=row.organization_id,
                name="Every event",
                description="Fires on every event; made for destinations that received all.",
                code=CODE,
                event_name="*",
                is_active=True,
                always_fires=True,
                created_at=row.created_at,
                modified_at=row.created_at,
                active_since=row.created_at,
            )
        links.objects.create(
            id=ids.new_id(),
            organization_id=row.organization_id,
            name=f"{rule.name} to {row.name}"[:200],
            entity_type="Notification",
            entity_id=rule.pk,
            destination="WEBHOOK",
            destination_id=row.pk,
            created_at=row.created_at,
            modified_at=row.created_at,
        )


def disconnect(apps: Any, schema_editor: Any) -> None:
    """Take away what was made."""
    rules = apps.get_model("notifications", "NotificationConfiguration")
    links = apps.get_model("integrations", "IntegrationConfiguration")
    mine = rules.objects.filter(code=CODE, event_name="*")
    links.objects.filter(entity_id__in=mine.values("pk")).delete()
    mine.delete()


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0002_configurations"),
        ("notifications", "0002_rules"),
    ]

    operations = [migrations.RunPython(connect, disconnect)]
