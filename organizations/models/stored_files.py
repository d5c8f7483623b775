"""Files that were uploaded or generated; their bytes are in a storage, not in the database."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from organizations.kernel import ids
from organizations.kernel.tenancy import TenantQuerySet, newest_first_index, organization_field


class FileState(models.TextChoices):
    EXPECTED = "EXPECTED", "Expected"
    WRITING = "WRITING", "Being written"
    STORED = "STORED", "Stored"
    DELETED = "DELETED", "Deleted"


class StoredFile(models.Model):
    """A file of an organization, from the moment it is expected until after it is deleted.

    ``kind`` names what it is for ("measurement_upload"). ``path`` is its name in the storage, and
    is known before the first byte is written, so whatever a killed process left there can be
    deleted. ``expires_at`` is when the sweep deletes the bytes; without one they are kept.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    organization = organization_field()
    kind = models.CharField(max_length=40)
    name = models.CharField(max_length=255, help_text="What it is called when downloaded.")
    content_type = models.CharField(max_length=100)
    size = models.PositiveBigIntegerField(null=True, help_text="In bytes.")
    state = models.CharField(max_length=8, choices=FileState, default=FileState.EXPECTED)
    path = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.UUIDField(null=True)
    stored_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="STORED")
                | (~Q(path="") & Q(size__isnull=False) & Q(stored_at__isnull=False)),
                name="stored_file_is_somewhere",
            )
        ]
        indexes = [
            newest_first_index("stored_file_newest"),
            models.Index(
                fields=["expires_at"], condition=Q(state="STORED"), name="stored_file_expiring"
            ),
            models.Index(
                fields=["created_at"],
                condition=Q(state__in=["EXPECTED", "WRITING"]),
                name="stored_file_unfinished",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} [{self.pk}]"
