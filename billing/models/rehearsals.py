"""A bill run that writes no bill: what was asked, and what it would change of each account."""

from django.db import models
from django.db.models import Q

from billing.models.accounts import Account
from organizations.kernel import ids
from organizations.kernel.exact_json import ExactJSONField
from organizations.kernel.tenancy import TenantModel, newest_first_index, quantity_field


class RehearsalStatus(models.TextChoices):
    RUNNING = "RUNNING", "Running"
    COMPLETE = "COMPLETE", "Complete"


class Rehearsal(TenantModel):
    """A run of the same calculation as a bill job; ``request`` is that of the job on the wire."""

    request = ExactJSONField(default=dict)
    status = models.CharField(
        max_length=8, choices=RehearsalStatus, default=RehearsalStatus.RUNNING
    )
    total = models.PositiveIntegerField("accounts", default=0)
    finished_at = models.DateTimeField("finished", null=True)
    # Whoever works on it says so here; one that stands still is handed out again.
    worked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        indexes = [
            newest_first_index("rehearsal_newest"),
            models.Index(
                fields=["worked_at"], name="rehearsal_running", condition=Q(status="RUNNING")
            ),
        ]

    def __str__(self) -> str:
        return f"rehearsal [{self.pk}]"


class RehearsedKind(models.TextChoices):
    PENDING = "PENDING", "Pending"
    NEW = "NEW", "New"
    GONE = "GONE", "Gone"
    CHANGED = "CHANGED", "Changed"
    SAME = "SAME", "Same"
    LOCKED = "LOCKED", "Locked"
    NOTHING = "NOTHING", "Nothing to bill"
    PARKED = "PARKED", "Parked"


class RehearsedWhy(models.TextChoices):
    NONE = "", "-"
    USAGE = "USAGE", "Usage"
    PRICE = "PRICE", "Price"
    PLAN = "PLAN", "Plan"
    OTHER = "OTHER", "Other"


class RehearsedAccount(models.Model):
    """What a run would make of one account in one currency, against what there is.

    ``compared_with`` is ``STORED`` for bills of the same period, ``PREVIOUS`` for those before.
    ``reason`` says why a parked account cannot be billed.
    """

    belongs_to = "rehearsal"

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    rehearsal = models.ForeignKey(
        Rehearsal, on_delete=models.CASCADE, related_name="accounts", db_index=False
    )
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=8, choices=RehearsedKind, default=RehearsedKind.PENDING)
    compared_with = models.CharField(max_length=8, default="", blank=True)
    currency = models.CharField(max_length=80, default="", blank=True)
    before = quantity_field(default=0)
    after = quantity_field(default=0)
    difference = quantity_field(default=0)
    # How much money moves, without its sign: the order of the list.
    moved = quantity_field(default=0)
    why = models.CharField(max_length=5, choices=RehearsedWhy, default="", blank=True)
    # A list of {sentence, amount}.
    sentences = ExactJSONField(default=list)
    reason = models.TextField(default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["rehearsal", "account", "currency"], name="rehearsed_account_unique"
            )
        ]
        indexes = [
            models.Index(
                fields=["rehearsal", "-currency", "-moved", "-id"], name="rehearsed_by_money"
            ),
            models.Index(
                fields=["rehearsal", "kind", "-currency", "-moved", "-id"],
                name="rehearsed_kind_by_money",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} in {self.rehearsal_id}: {self.kind}"
