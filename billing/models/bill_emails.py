"""Bills sent by e-mail: one row a bill, approval and recipient, which is the log of it as well."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from billing.models.bills import Bill
from organizations.kernel import ids
from organizations.kernel.tenancy import TenantQuerySet, organization_field


class BillEmailState(models.TextChoices):
    WAITING = "WAITING", "Waiting"
    SENDING = "SENDING", "Being sent"
    SENT = "SENT", "Sent"
    FAILED = "FAILED", "Not sent"
    UNCERTAIN = "UNCERTAIN", "Not known"
    CANCELLED = "CANCELLED", "Cancelled"


class BillEmail(models.Model):
    """One e-mail with a bill. ``number`` is 0 for that of the approval, more for those sent again.

    ``leased_until`` is until when a worker has it; ``due_at`` is when the next try may begin.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    organization = organization_field()
    bill = models.ForeignKey(Bill, on_delete=models.CASCADE, related_name="emails", db_index=False)
    approved_at = models.DateTimeField()
    number = models.PositiveIntegerField(default=0)
    recipient = models.EmailField(max_length=254)
    state = models.CharField(max_length=9, choices=BillEmailState, default=BillEmailState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    leased_until = models.DateTimeField(null=True)
    problem = models.TextField(default="", blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.UUIDField(null=True)
    sent_at = models.DateTimeField(null=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["bill", "approved_at", "number", "recipient"],
                name="bill_email_once_a_recipient",
            ),
            models.CheckConstraint(
                condition=~Q(state="SENT") | Q(sent_at__isnull=False), name="bill_email_sent_when"
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(state="WAITING"), name="bill_email_waiting"
            ),
            models.Index(
                fields=["leased_until"], condition=Q(state="SENDING"), name="bill_email_sending"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.bill_id} to {self.recipient}"
