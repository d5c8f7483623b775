"""Events that happen some days before or after a date of a row, and the moments that are due."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from organizations.kernel import ids
from organizations.kernel.tenancy import (
    TenantModel,
    TenantQuerySet,
    newest_first_index,
    organization_field,
)


class ScheduledEventConfiguration(TenantModel):
    """An event ``offset`` days after the value of a date of every row of an entity (B6).

    ``since``: no moment before it fires. ``planned_as`` says for which field and offset the rows
    that were there already have their moments; None until that is done.
    """

    name = models.CharField(
        max_length=100, help_text="scheduled.<entity>.<your name>, as in scheduled.bill.dueSoon."
    )
    entity = models.CharField(max_length=60, help_text="As in Bill or Contract.")
    field = models.CharField(
        max_length=60, help_text="A date or time of the entity, as in dueDate or endDate."
    )
    offset = models.IntegerField(help_text="Days after the date; negative is before it.")
    since = models.DateTimeField(default=timezone.now, editable=False)
    planned_as = models.CharField(max_length=80, null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"], name="scheduled_event_name_unique"
            )
        ]
        indexes = [newest_first_index("scheduled_event_newest")]

    def __str__(self) -> str:
        return self.name

    @property
    def plan(self) -> str:
        """What the moments of its rows depend on."""
        return f"{self.field} {self.offset}"


class Moment(models.Model):
    """When one row's event is due, or was: unique by configuration, row and value of the field.

    A moment that has fired stays, so that the same value never fires again (B6).
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    organization = organization_field(editable=True, db_index=False)
    configuration = models.ForeignKey(
        ScheduledEventConfiguration,
        on_delete=models.CASCADE,
        related_name="moments",
        db_index=False,
    )
    resource_id = models.UUIDField()
    field = models.CharField(max_length=60)
    value = models.CharField(max_length=40)
    due_at = models.DateTimeField()
    fired_at = models.DateTimeField(null=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["configuration", "resource_id", "field", "value"], name="moment_unique"
            )
        ]
        indexes = [
            models.Index(
                fields=["due_at", "id"], name="moment_due", condition=Q(fired_at__isnull=True)
            ),
            models.Index(fields=["organization", "resource_id"], name="moment_resource"),
        ]

    def __str__(self) -> str:
        return f"{self.configuration_id} {self.resource_id} {self.value}"
