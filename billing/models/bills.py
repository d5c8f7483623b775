"""What is owed: bills and their line items."""

from django.db import models
from django.db.models import F, Q

from billing.models.accounts import Account
from organizations.kernel.exact_json import ExactJSONField, KeptJSONField
from organizations.kernel.tenancy import (
    TenantModel,
    newest_first_index,
    organization_field,
    quantity_field,
)


class BillStatus(models.TextChoices):
    PENDING = "PENDING", "Pending"
    APPROVED = "APPROVED", "Approved"


class BillFrequency(models.TextChoices):
    DAILY = "DAILY", "Daily"
    WEEKLY = "WEEKLY", "Weekly"
    MONTHLY = "MONTHLY", "Monthly"
    ANNUALLY = "ANNUALLY", "Annually"
    AD_HOC = "AD_HOC", "Ad hoc"
    MIXED = "MIXED", "Mixed"


class LineItemType(models.TextChoices):
    """In the order in which they stand on a bill (15.3)."""

    STANDING_CHARGE = "STANDING_CHARGE", "Standing charge"
    USAGE = "USAGE", "Usage"
    USAGE_CREDIT = "USAGE_CREDIT", "Usage credit"
    COUNTER_RUNNING_TOTAL_CHARGE = "COUNTER_RUNNING_TOTAL_CHARGE", "Counter running total"
    COUNTER_ADJUSTMENT_DEBIT = "COUNTER_ADJUSTMENT_DEBIT", "Counter adjustment debit"
    COUNTER_ADJUSTMENT_CREDIT = "COUNTER_ADJUSTMENT_CREDIT", "Counter adjustment credit"
    MINIMUM_SPEND = "MINIMUM_SPEND", "Minimum spend"
    MINIMUM_SPEND_REFUND = "MINIMUM_SPEND_REFUND", "Minimum spend refund"
    COMMITMENT_FEE = "COMMITMENT_FEE", "Prepayment fee"
    COMMITMENT_CONSUMED = "COMMITMENT_CONSUMED", "Prepayment consumed"
    OVERAGE_SURCHARGE = "OVERAGE_SURCHARGE", "Overage surcharge"
    OVERAGE_USAGE = "OVERAGE_USAGE", "Overage usage"
    BALANCE_FEE = "BALANCE_FEE", "Balance fee"
    BALANCE_CONSUMED = "BALANCE_CONSUMED", "Balance consumed"
    AD_HOC = "AD_HOC", "Ad hoc"
    CREDIT_MEMO = "CREDIT_MEMO", "Credit"
    DEBIT_MEMO = "DEBIT_MEMO", "Debit"
    CREDIT_DEDUCTION = "CREDIT_DEDUCTION", "Credit deduction"
    MANUAL_ADJUSTMENT = "MANUAL_ADJUSTMENT", "Manual adjustment"


class Bill(TenantModel):
    """What an account owes for one billing period, as a set of line items.

    Identity is the natural boundary of the period, never a date a job may override (JOB-6).
    Names and addresses are stored with the bill, so that a rename changes no locked bill (LIN-4).
    """

    organization = organization_field(db_index=False)
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="bills", db_index=False
    )
    account_code = models.CharField(max_length=80)
    account_name = models.CharField(max_length=200)
    account_address = models.JSONField(default=dict)
    account_email = models.CharField(max_length=254, default="")
    boundary_date = models.DateField(help_text="Where the billing period ends; identity.")
    billing_frequency = models.CharField(max_length=8, choices=BillFrequency)
    bill_frequency_interval = models.PositiveSmallIntegerField(default=1)
    # Contract or bill grouping key; empty for charges outside any.
    grouping = models.CharField(max_length=80, default="", blank=True)
    start_date = models.DateField()
    end_date = models.DateField(help_text="Exclusive.")
    start_at = models.DateTimeField()
    end_at = models.DateTimeField(help_text="Exclusive.")
    bill_date = models.DateField()
    due_date = models.DateField(null=True)
    external_invoice_date = models.DateField(null=True)
    external_invoice_reference = models.CharField(max_length=200, null=True, blank=True)
    timezone = models.CharField(max_length=64, default="UTC")
    currency = models.CharField(max_length=80)
    currency_conversions = ExactJSONField(default=list)
    # What its job set instead of the organization's settings; a recalculation repeats it (JOB-14).
    overrides = ExactJSONField(default=dict)
    purchase_order_number = models.CharField(max_length=100, null=True, blank=True)
    total = quantity_field(default=0)
    status = models.CharField(max_length=8, choices=BillStatus, default=BillStatus.PENDING)
    is_locked = models.BooleanField("locked", default=False)
    # Locked only because it ends on or before the organization's lock date; a date that is moved
    # back frees it again (LIF-2).
    is_locked_by_date = models.BooleanField(default=False, editable=False)
    # A bill before it drew another amount from a credit since it was calculated (DRW-11).
    needs_recalculation = models.BooleanField(default=False, editable=False)
    # Approved once and calculated again since: its grace period starts anew (LIF-6).
    was_approved = models.BooleanField(default=False, editable=False)
    bill_job = models.ForeignKey(
        "billing.BillJob",
        on_delete=models.SET_NULL,
        related_name="bills",
        null=True,
        db_index=False,
    )
    latest_calculated_at = models.DateTimeField()
    # When what the newest statement of each format is made of was calculated (STM-5).
    json_statement_of = models.DateTimeField(null=True, editable=False)
    csv_statement_of = models.DateTimeField(null=True, editable=False)
    approved_at = models.DateTimeField(null=True)
    approved_by = models.UUIDField(null=True)
    locked_at = models.DateTimeField(null=True)
    locked_by = models.UUIDField(null=True)
    # Given after each chunk of a job, in order of creation (NUM-3). Waiting for one: made while
    # the organization had a prefix, and not numbered yet.
    is_awaiting_number = models.BooleanField(default=False, editable=False)
    invoice_number = models.BigIntegerField(null=True, editable=False)
    invoice_reference = models.CharField(max_length=80, null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "account",
                    "boundary_date",
                    "billing_frequency",
                    "bill_frequency_interval",
                    "grouping",
                ],
                name="bill_identity_unique",
            ),
            models.UniqueConstraint(
                fields=["organization", "invoice_reference"], name="bill_invoice_reference_unique"
            ),
            # What the constraint of line items refers to.
            models.UniqueConstraint(fields=["id", "organization"], name="bill_of_organization"),
            models.CheckConstraint(
                condition=Q(end_at__gt=F("start_at")), name="bill_period_not_empty"
            ),
            models.CheckConstraint(
                condition=Q(is_locked=False) | Q(status=BillStatus.APPROVED),
                name="bill_locked_is_approved",
            ),
            models.CheckConstraint(
                condition=Q(is_locked_by_date=False) | Q(is_locked=True),
                name="bill_locked_by_date_is_locked",
            ),
        ]
        indexes = [
            newest_first_index("bill_newest"),
            models.Index(fields=["account", "-bill_date", "-id"], name="bill_account_newest"),
            models.Index(fields=["organization", "bill_date", "id"], name="bill_date"),
            models.Index(fields=["organization", "start_date"], name="bill_start"),
            models.Index(fields=["organization", "end_date"], name="bill_end"),
            models.Index(
                fields=["organization", "external_invoice_date"], name="bill_invoice_date"
            ),
            models.Index(fields=["organization", "status", "-created_at"], name="bill_status"),
            models.Index(fields=["organization", "boundary_date"], name="bill_boundary"),
            models.Index(fields=["organization", "currency", "bill_date"], name="bill_currency"),
            models.Index(
                fields=["organization", "billing_frequency", "bill_date"], name="bill_frequency"
            ),
            models.Index(fields=["organization", "is_locked", "bill_date"], name="bill_locked"),
            models.Index(fields=["bill_job"], name="bill_bill_job"),
            models.Index(
                fields=["organization", "created_at", "id"],
                name="bill_awaiting_number",
                condition=Q(is_awaiting_number=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_code} {self.bill_date:%Y-%m-%d} [{self.pk}]"


class LineItem(TenantModel):
    """One charge or credit of a bill, with the record of how it came about.

    ``line_key`` says which charge it is, so that a recalculation updates the row instead of
    replacing it. ``calculation`` is enough to explain the amount and to compute it again.
    """

    # One constraint of the database for both: a line is of the organization of its bill.
    organization = organization_field(db_index=False, db_constraint=False)
    bill = models.ForeignKey(
        Bill,
        on_delete=models.CASCADE,
        related_name="line_items",
        db_index=False,
        db_constraint=False,
    )
    line_key = models.CharField(max_length=600)
    line_item_type = models.CharField(max_length=32, choices=LineItemType)
    sequence_number = models.PositiveIntegerField()
    description = models.TextField()
    quantity = quantity_field()
    units = quantity_field()
    unit = models.CharField(max_length=50, default="", blank=True)
    subtotal = quantity_field()
    currency = models.CharField(max_length=80)
    conversion_rate = quantity_field(default=1)
    converted_subtotal = quantity_field()
    average_unit_price = quantity_field(default=0)
    service_period_start = models.DateTimeField()
    service_period_end = models.DateTimeField(help_text="Exclusive.")
    product_id = models.UUIDField(null=True)
    product_code = models.CharField(max_length=80, null=True)
    product_name = models.CharField(max_length=200, null=True)
    accounting_product_id = models.UUIDField(null=True)
    accounting_product_code = models.CharField(max_length=80, null=True)
    accounting_product_name = models.CharField(max_length=200, null=True)
    plan_id = models.UUIDField(null=True)
    plan_name = models.CharField(max_length=200, null=True)
    account_plan_id = models.UUIDField(null=True)
    pricing_id = models.UUIDField(null=True)
    aggregation_id = models.UUIDField(null=True)
    meter_id = models.UUIDField(null=True)
    contract_id = models.UUIDField(null=True)
    child_account_id = models.UUIDField(null=True)
    child_account_code = models.CharField(max_length=80, null=True)
    segment = models.JSONField(default=dict)
    # What the line is about, where it is about such a thing (``rating/subjects.py``).
    plan_group_id = models.UUIDField(null=True)
    compound_aggregation_id = models.UUIDField(null=True)
    counter_id = models.UUIDField(null=True)
    charge_id = models.UUIDField(null=True)
    commitment_id = models.UUIDField(null=True)
    balance_id = models.UUIDField(null=True)
    credit_type_id = models.UUIDField(null=True)
    referenced_bill_id = models.UUIDField(null=True)
    referenced_line_item_id = models.UUIDField(null=True)
    reason_id = models.UUIDField(null=True)
    group = models.JSONField(null=True)
    additional = models.JSONField(null=True)
    # A list of {pricingBandId, lowerLimit, fixedPrice, unitPrice, bandQuantity, bandUnits,
    # unitSubtotal, bandSubtotal, convertedBandSubtotal}.
    band_usage = KeptJSONField(default=list)
    calculation = KeptJSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bill", "line_key"], name="line_item_key_unique")
        ]
        indexes = [
            models.Index(fields=["bill", "sequence_number"], name="line_item_bill"),
            models.Index(fields=["organization", "-created_at", "-id"], name="line_item_newest"),
            models.Index(
                fields=["account_plan_id", "service_period_start"], name="line_item_account_plan"
            ),
            *(
                models.Index(
                    fields=["organization", f"{subject}_id"],
                    name=f"line_item_{subject}",
                    condition=Q(**{f"{subject}_id__isnull": False}),
                )
                for subject in ("charge", "commitment", "balance")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.line_item_type} {self.description} [{self.pk}]"


class InvoiceSeries(models.Model):
    """The numbers an organization gives to its bills, one row each (NUM-1).

    ``latest_number`` belongs to ``prefix`` and ``start_number``; when the settings say otherwise
    the series begins again after the new start (NUM-3).
    """

    organization = models.OneToOneField(
        "organizations.Organization", on_delete=models.CASCADE, related_name="+", primary_key=True
    )
    prefix = models.CharField(max_length=50, default="")
    start_number = models.BigIntegerField(default=0)
    latest_number = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "invoice series"

    def __str__(self) -> str:
        return f"{self.prefix}{self.latest_number}"
