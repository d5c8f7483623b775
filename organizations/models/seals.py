"""Seals over the audit trail: each covers a block of entries and the seal before it."""

from django.db import models
from django.utils import timezone


class AuditSeal(models.Model):
    """A block of audit entries of all organizations, up to ``last_entry_id``.

    It is announced first, without hash, and sealed once every transaction is over that could
    still add an entry with a lower number.
    """

    id = models.BigAutoField(primary_key=True)
    last_entry_id = models.BigIntegerField()
    announced_at = models.DateTimeField(default=timezone.now)
    # PostgreSQL's number of the next transaction when the block was announced.
    next_transaction = models.BigIntegerField()
    sealed_at = models.DateTimeField(null=True)
    entry_count = models.BigIntegerField(null=True)
    hash = models.BinaryField(max_length=32, null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["last_entry_id"], name="audit_seal_last_entry_unique")
        ]

    def __str__(self) -> str:
        return f"Seal {self.pk} up to entry {self.last_entry_id}"
