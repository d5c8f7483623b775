"""How far a demonstration organization is loaded."""

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
