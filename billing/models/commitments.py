"""Commitments: an amount that an account owes over a time, and that its charges use up."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q

from billing.models.accounts import Account, ChildBillingMode
from billing.models.contracts import Contract
from catalog.models import Plan, Product
from organizations.kernel.exact_json import ExactJSONField
from organizations.kernel.tenancy import TenantModel, newest_first_index, quantity_field


class CommitmentLineItemType(models.TextChoices):
    STANDING_CHARGE = "STANDING_CHARGE", "Standing charge"
    USAGE = "USAGE", "Usage"
    MINIMUM_SPEND = "MINIMUM_SPEND", "Minimum spend"
    COUNTER_RUNNING_TOTAL_CHARGE = "COUNTER_RUNNING_TOTAL_CHARGE", "Counter running total"
    COUNTER_ADJUSTMENT_DEBIT = "COUNTER_ADJUSTMENT_DEBIT", "Counter adjustment debit"


def _description(what: str) -> models.CharField:
    return models.CharField(
        max_length=200, null=True, blank=True, help_text=f"Printed on the line of {what}."
    )


def _accounting(kind: str) -> models.ForeignKey:
    return models.ForeignKey(
        Product, on_delete=models.PROTECT, related_name="+", null=True, blank=True,
        verbose_name=kind,
    )  # fmt: skip


class Commitment(TenantModel):
    """An amount owed for the days from the start up to the exclusive end (COM-1).

    ``product_ids`` and ``line_item_types`` say what draws from it; empty means everything.
    ``fee_dates`` is a list of {date, amount, servicePeriodStartDate, servicePeriodEndDate}.
    ``amount_spent`` is the sum of what bills drew; only bills write it (DRW-10).
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="commitments")
    contract = models.ForeignKey(
        Contract, on_delete=models.PROTECT, related_name="commitments", null=True, blank=True
    )
    amount = quantity_field()
    currency = models.CharField(max_length=80)
    start_date = models.DateField()
    end_date = models.DateField(help_text="Exclusive: the first day without the commitment.")
    amount_pre_paid = quantity_field(
        verbose_name="amount prepaid",
        default=0,
        blank=True,
        help_text="Paid already: no fee is billed for it.",
    )
    amount_first_bill = quantity_field(
        null=True, blank=True, help_text="The first fee, where it differs from the others."
    )
    amount_spent = quantity_field(default=0, editable=False)
    billing_plan = models.ForeignKey(
        Plan,
        on_delete=models.PROTECT,
        related_name="commitments",
        null=True,
        blank=True,
        help_text="Its bills carry the fees. Leave it empty to give dates and amounts of fees.",
    )
    billing_interval = models.PositiveSmallIntegerField(
        default=1, help_text="A fee on every n-th bill of the plan."
    )
    billing_offset = models.PositiveSmallIntegerField(
        default=0, blank=True, help_text="Bills without a fee before the first one."
    )
    bill_epoch = models.DateField(null=True, blank=True)
    commitment_fee_bill_in_advance = models.BooleanField(null=True, blank=True)
    fee_dates = ExactJSONField(default=list, blank=True)
    product_ids = ArrayField(models.UUIDField(), default=list, blank=True)
    line_item_types = ArrayField(
        models.CharField(max_length=32, choices=CommitmentLineItemType), default=list, blank=True
    )
    overage_surcharge_percent = quantity_field(
        null=True, blank=True, help_text="On usage beyond the commitment; below 0 is a discount."
    )
    separate_overage_usage = models.BooleanField(
        default=False, help_text="Usage beyond the commitment stands on lines of its own."
    )
    commitment_fee_description = _description("a fee")
    commitment_usage_description = _description("what is drawn")
    overage_description = _description("the surcharge")
    accounting_product = _accounting("accounting product")
    fees_accounting_product = _accounting("accounting product of fees")
    drawdowns_accounting_product = _accounting("accounting product of what is drawn")
    child_billing_mode = models.CharField(
        max_length=16, choices=ChildBillingMode, default=ChildBillingMode.PARENT_BREAKDOWN
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="commitment_amount_above_zero"),
            models.CheckConstraint(
                condition=Q(amount_spent__gte=0) & Q(amount_spent__lte=F("amount")),
                name="commitment_spent_within_amount",
            ),
            models.CheckConstraint(
                condition=Q(end_date__gt=F("start_date")), name="commitment_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(amount_pre_paid__gte=0)
                & (Q(amount_first_bill__isnull=True) | Q(amount_first_bill__gte=0)),
                name="commitment_amounts_not_negative",
            ),
        ]
        indexes = [
            newest_first_index("commitment_newest"),
            models.Index(fields=["account", "-created_at", "-id"], name="commitment_account"),
            models.Index(fields=["organization", "end_date"], name="commitment_end"),
            GinIndex(fields=["product_ids"], name="commitment_products"),
        ]

    def __str__(self) -> str:
        return f"{self.currency} commitment from {self.start_date}"
