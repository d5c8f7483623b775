"""Answers that are given again when a request comes again (B7.8)."""

from django.db import models
from django.utils import timezone

from organizations.kernel.tenancy import TenantQuerySet


class KeptAnswer(models.Model):
    """What a POST with an ``Idempotency-Key`` was answered, for 24 hours.

    The row is written in the transaction of the effect, so both are there or neither. ``status``
    is empty only inside of that transaction. An answer that shows a secret has no ``body``.
    """

    organization = models.ForeignKey(
        "organizations.Organization", on_delete=models.PROTECT, related_name="+"
    )
    principal_id = models.UUIDField()
    key_hash = models.BinaryField(max_length=32, help_text="SHA-256 of the client's key.")
    request_hash = models.BinaryField(max_length=32, help_text="Of address, query and body.")
    created_at = models.DateTimeField(default=timezone.now)
    status = models.PositiveSmallIntegerField(null=True)
    content_type = models.CharField(max_length=100, blank=True)
    body = models.BinaryField(null=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "principal_id", "key_hash"], name="kept_answer_unique"
            )
        ]
        indexes = [models.Index(fields=["created_at"], name="kept_answer_oldest")]

    def __str__(self) -> str:
        return f"{self.status} of {self.created_at:%Y-%m-%d %H:%M} [{self.pk}]"
