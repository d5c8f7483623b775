"""Delete deliveries, their bodies and attempts 28 days after they were made (C5.15)."""

from datetime import datetime, timedelta

from django.db import transaction

from integrations.models import Delivery, DeliveryAttempt, RunLogEntry, WebhookDestination

KEPT_FOR = timedelta(days=28)
BATCH = 1000


def delete_old(at: datetime) -> int:
    """Delete what is older than 28 days in small transactions; returns how many deliveries."""
    deleted = 0
    # By destination, because the index for it begins with the destination.
    for destination_id in WebhookDestination.objects.values_list("pk", flat=True):
        old = Delivery.objects.filter(
            destination_id=destination_id, created_at__lt=at - KEPT_FOR
        ).order_by("created_at", "id")
        while chosen := list(old.values_list("pk", flat=True)[:BATCH]):
            with transaction.atomic():
                DeliveryAttempt.objects.filter(delivery__in=chosen).delete()
                Delivery.objects.filter(pk__in=chosen).delete()
            deleted += len(chosen)
    return deleted


def delete_old_logs(at: datetime) -> int:
    """Delete lines of the logs of runs that are older than 28 days; the runs stay."""
    deleted = 0
    old = RunLogEntry.objects.filter(at__lt=at - KEPT_FOR).order_by("at", "id")
    while chosen := list(old.values_list("pk", flat=True)[:BATCH]):
        RunLogEntry.objects.filter(pk__in=chosen).delete()
        deleted += len(chosen)
    return deleted
