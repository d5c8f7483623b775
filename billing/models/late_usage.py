"""Usage that arrived for a period whose bill is locked: what it is worth, and what became of it."""

from django.db import models
from django.db.models import Q

from billing.models.accounts import Account
from billing.models.bills import Bill
from catalog.models import Product
from organizations.kernel.tenancy import (
    TenantModel,
    TenantQuerySet,
    newest_first_index,
    quantity_field,
)


class LateUsageAction(models.TextChoices):
    """What is done with late usage by itself."""

    ASK = "ASK", "Ask"
    NEXT_BILL = "NEXT_BILL", "Put on the next bill"
    IGNORE = "IGNORE", "Ignore"


class LateUsageStatus(models.TextChoices):
    OPEN = "OPEN", "Open"
    ACCEPTED = "ACCEPTED", "Accepted"
    IGNORED = "IGNORED", "Ignored"


class LateUsageRule(TenantModel):
    """What is done with late usage of one product, or of every product without a rule."""

    product = models.ForeignKey(
        Product,
        on_delete=models.CASCADE,
        related_name="+",
        null=True,
        blank=True,
        help_text="Empty: every product without a rule of its own.",
    )
    action = models.CharField(max_length=9, choices=LateUsageAction)

    class Meta:
        verbose_name = "late usage rule"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "product"],
                nulls_distinct=False,
                name="late_usage_rule_unique",
            )
        ]
        indexes = [newest_first_index("late_usage_rule_newest")]

    def __str__(self) -> str:
        product = self.product.name if self.product else "Every other product"
        return f"{product}: {self.get_action_display()}"


class LateUsage(TenantModel):
    """What one charge for usage on a locked bill would be more or less, as usage is now.

    ``usage_key`` tells which charge. Of one charge there may be several rows: what was decided or
    stands on a bill stays as it is, what arrives later is a row with the next ``number``. Quantity,
    units and amount are differences; ``minimum_amount`` is the part of ``amount`` by which the
    minimum spends of the locked bill would change. ``note`` says why nothing is done by itself.
    """

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="+", db_index=False, editable=False
    )
    bill = models.ForeignKey(
        Bill, on_delete=models.PROTECT, related_name="late_usage", db_index=False, editable=False
    )
    usage_key = models.CharField(max_length=300, editable=False)
    number = models.PositiveIntegerField(default=1, editable=False)
    line_item_id = models.UUIDField(null=True, editable=False)
    description = models.TextField(editable=False)
    product_id = models.UUIDField(null=True, editable=False)
    product_name = models.CharField(max_length=200, default="", editable=False)
    accounting_product_id = models.UUIDField(null=True, editable=False)
    contract_id = models.UUIDField(null=True, editable=False)
    plan_id = models.UUIDField(null=True, editable=False)
    account_plan_id = models.UUIDField(null=True, editable=False)
    pricing_id = models.UUIDField(null=True, editable=False)
    meter_id = models.UUIDField(null=True, editable=False)
    aggregation_id = models.UUIDField(null=True, editable=False)
    segment = models.JSONField(default=dict, editable=False)
    service_period_start = models.DateTimeField(editable=False)
    service_period_end = models.DateTimeField(editable=False, help_text="Exclusive.")
    quantity = quantity_field(editable=False)
    units = quantity_field(editable=False)
    unit = models.CharField(max_length=50, default="", editable=False)
    currency = models.CharField(max_length=80, editable=False)
    amount = quantity_field(editable=False)
    minimum_amount = quantity_field(default=0, editable=False)
    status = models.CharField(max_length=8, choices=LateUsageStatus, editable=False)
    note = models.TextField(default="", editable=False)
    decided_at = models.DateTimeField(null=True, editable=False)
    decided_by = models.UUIDField(null=True, editable=False)
    # The bill that charges it; given back when that bill is deleted.
    charged_on = models.ForeignKey(
        Bill, on_delete=models.SET_NULL, related_name="+", null=True, editable=False
    )

    class Meta:
        verbose_name = "late usage"
        verbose_name_plural = "late usage"
        constraints = [
            models.UniqueConstraint(
                fields=["bill", "usage_key", "number"], name="late_usage_number_unique"
            ),
            models.CheckConstraint(
                condition=Q(charged_on__isnull=True) | Q(status=LateUsageStatus.ACCEPTED),
                name="late_usage_charged_is_accepted",
            ),
        ]
        indexes = [
            newest_first_index("late_usage_newest"),
            models.Index(fields=["account", "-created_at", "-id"], name="late_usage_account"),
            models.Index(
                fields=["organization", "status", "-created_at", "-id"], name="late_usage_status"
            ),
            models.Index(
                fields=["organization", "product_id", "-created_at"], name="late_usage_product"
            ),
            models.Index(
                fields=["organization", "service_period_start"], name="late_usage_service"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.description} [{self.pk}]"


class LateUsageCheck(models.Model):
    """How far an organization's usage was looked through, and whether it adds up.

    ``lines_checked`` charges of sums were compared with the usage stored for them at
    ``compared_at``; ``lines_off`` of them were not billed plus listed.
    """

    organization = models.OneToOneField(
        "organizations.Organization", on_delete=models.CASCADE, related_name="+", primary_key=True
    )
    checked_until = models.DateTimeField(null=True)
    compared_at = models.DateTimeField(null=True)
    lines_checked = models.PositiveIntegerField(default=0)
    lines_off = models.PositiveIntegerField(default=0)

    objects = TenantQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.organization_id} until {self.checked_until}"


class LateUsageBill(models.Model):
    """A locked bill that was looked at since it was locked; from then on new usage is enough."""

    bill = models.OneToOneField(Bill, on_delete=models.CASCADE, related_name="+", primary_key=True)
    organization = models.ForeignKey(
        "organizations.Organization", on_delete=models.CASCADE, related_name="+"
    )

    objects = TenantQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.bill_id)
