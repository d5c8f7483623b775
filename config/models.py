"""How far a demonstration organization is loaded, and which backups were made."""

from django.db import models

from organizations.models import Organization


class Demonstration(models.Model):
    """The marker of one demonstration organization: what is loaded, so that nothing is twice.

    Each step is written in the transaction that does it; a run that was killed goes on behind
    the latest one. ``scale`` is the number of measurements relative to the full demonstration.
    """

    organization = models.OneToOneField(
        Organization, on_delete=models.PROTECT, related_name="+", primary_key=True
    )
    as_of = models.DateTimeField(help_text="The instant the figures are worked out for.")
    scale = models.DecimalField(max_digits=9, decimal_places=6, default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    usage_until = models.DateField(help_text="The first day whose usage is not loaded yet.")
    measurements = models.PositiveIntegerField(default=0, help_text="Loaded so far.")
    finished_at = models.DateTimeField(null=True, help_text="When the last bill was made.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(scale__gt=0), name="demonstration_scale_positive"
            )
        ]

    def __str__(self) -> str:
        return f"{self.organization_id} as of {self.as_of:%Y-%m-%d}"


class Backup(models.Model):
    """A backup of the installation that somebody says was made, or failed."""

    ended_at = models.DateTimeField()
    is_good = models.BooleanField()
    size = models.BigIntegerField(null=True, help_text="Bytes.")
    place = models.CharField(max_length=500, default="", blank=True)
    failure = models.CharField(max_length=1000, default="", blank=True)
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ended_at", "place"], name="backup_unique"),
            models.CheckConstraint(
                condition=models.Q(size__isnull=True) | models.Q(size__gte=0), name="backup_size"
            ),
        ]
        indexes = [models.Index(fields=["is_good", "-ended_at"], name="backup_newest")]

    def __str__(self) -> str:
        return f"{self.ended_at:%Y-%m-%d %H:%M} {'good' if self.is_good else 'failed'}"
