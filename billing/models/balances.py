"""Balances: credit an account holds, the ledger of each, and the schedules that write to it."""

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models import F, Q
from django.utils import timezone

from billing.models.accounts import Account
from billing.models.contracts import Contract
from catalog.models import Product
from organizations.kernel import ids
from organizations.kernel.exact_json import ExactJSONField
from organizations.kernel.tenancy import TenantModel, newest_first_index, quantity_field
from organizations.models import TransactionType

# The trigger on transactions lets the rows of one balance go when this names the balance.
DELETING = "SELECT set_config('billwright.deleted_balance', %s, true)"


class BalanceLineItemType(models.TextChoices):
    STANDING_CHARGE = "STANDING_CHARGE", "Standing charge"
    USAGE = "USAGE", "Usage"
    MINIMUM_SPEND = "MINIMUM_SPEND", "Minimum spend"
    COUNTER_RUNNING_TOTAL_CHARGE = "COUNTER_RUNNING_TOTAL_CHARGE", "Counter running total"
    COUNTER_ADJUSTMENT_DEBIT = "COUNTER_ADJUSTMENT_DEBIT", "Counter adjustment debit"
    AD_HOC = "AD_HOC", "Charge"


class Balance(TenantModel):
    """Credit of one account between two instants, the end exclusive (BAL-1).

    ``amount`` is the sum of its transactions: a database trigger keeps it, and refuses every
    other way to change it. See ``billing.ledger``.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="balances")
    contract = models.ForeignKey(
        Contract, on_delete=models.PROTECT, related_name="balances", null=True, blank=True
    )
    name = models.CharField(max_length=200)
    code = models.CharField(max_length=80, validators=[ids.relaxed_code])
    description = models.TextField(null=True, blank=True)
    currency = models.CharField(max_length=80)
    amount = quantity_field(default=0, editable=False)
    start_date = models.DateTimeField()
    end_date = models.DateTimeField(help_text="Exclusive.")
    rollover_amount = quantity_field(
        null=True, blank=True, help_text="At most this much stays usable after the end."
    )
    rollover_end_date = models.DateTimeField(
        null=True, blank=True, help_text="Until then what is left at the end may be used."
    )
    # The later of end and end of rollover: what lists and the order of drawing look at (BAL-14).
    effective_end_date = models.DateTimeField(editable=False)
    product_ids = ArrayField(models.UUIDField(), default=list, blank=True)
    line_item_types = ArrayField(
        models.CharField(max_length=32, choices=BalanceLineItemType), default=list, blank=True
    )
    overage_surcharge_percent = quantity_field(
        null=True, blank=True, help_text="On usage beyond the balance; below 0 is a discount."
    )
    balance_draw_down_description = models.CharField(max_length=200, null=True, blank=True)
    overage_description = models.CharField(max_length=200, null=True, blank=True)
    consumptions_accounting_product = models.ForeignKey(
        Product, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    fees_accounting_product = models.ForeignKey(
        Product, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    allow_overdraft = models.BooleanField(
        default=False,
        help_text="May fall below zero, if the organization allows negative balances as well.",
    )
    custom_fields = ExactJSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "code"], name="balance_code_unique"),
            models.CheckConstraint(
                condition=Q(end_date__gt=F("start_date")), name="balance_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(rollover_end_date__isnull=True)
                | Q(rollover_end_date__gt=F("end_date")),
                name="balance_rolls_over_after_end",
            ),
            models.CheckConstraint(
                condition=Q(rollover_amount__isnull=True)
                | (Q(rollover_amount__gte=0) & Q(rollover_end_date__isnull=False)),
                name="balance_rollover_has_an_end",
            ),
        ]
        indexes = [
            newest_first_index("balance_newest"),
            models.Index(fields=["account", "-created_at", "-id"], name="balance_account"),
            models.Index(fields=["organization", "effective_end_date"], name="balance_end"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: object, **kwargs: object) -> None:
        """Keep the effective end beside the two dates it follows from."""
        self.effective_end_date = self.rollover_end_date or self.end_date
        super().save(*args, **kwargs)

    def delete(self, *args: object, **kwargs: object) -> object:
        """Delete the balance with its ledger; without it no transaction is ever deleted."""
        with connection.cursor() as cursor:
            cursor.execute(DELETING, [str(self.pk)])
        return super().delete(*args, **kwargs)


class TransactionSource(models.TextChoices):
    """Who wrote a transaction (BAL-2)."""

    BILL = "BILL", "Bill"
    COMMITMENT = "COMMITMENT", "Commitment"
    USER = "USER", "User"
    SERVICE_USER = "SERVICE_USER", "Service user"
    SCHEDULER = "SCHEDULER", "Schedule"


class BalanceTransaction(TenantModel):
    """One row of a balance's ledger: a credit above zero, a debit below (BAL-2, BAL-3).

    ``scheduled_for`` is set by a schedule: with the schedule's id it stands once.
    """

    balance = models.ForeignKey(Balance, on_delete=models.CASCADE, related_name="transactions")
    amount = quantity_field()
    description = models.TextField(null=True, blank=True)
    transaction_type = models.ForeignKey(
        TransactionType, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    applied_date = models.DateTimeField(default=timezone.now)
    transaction_date = models.DateTimeField(default=timezone.now)
    paid = quantity_field(null=True, blank=True)
    currency_paid = models.CharField(max_length=80, null=True, blank=True)
    entity_type = models.CharField(max_length=16, choices=TransactionSource, editable=False)
    entity_id = models.UUIDField(null=True, editable=False)
    scheduled_for = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["entity_id", "scheduled_for"], name="balance_transaction_scheduled_once"
            ),
        ]
        indexes = [
            newest_first_index("balance_transaction_list"),
            models.Index(
                fields=["balance", "-created_at", "-id"], name="balance_transaction_newest"
            ),
            models.Index(fields=["balance", "applied_date"], name="balance_transaction_applied"),
            models.Index(fields=["entity_id"], name="balance_transaction_entity"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} on {self.balance_id}"


class ScheduleFrequency(models.TextChoices):
    DAILY = "DAILY", "Daily"
    WEEKLY = "WEEKLY", "Weekly"
    MONTHLY = "MONTHLY", "Monthly"
    ANNUALLY = "ANNUALLY", "Annually"


class Schedule(TenantModel):
    """What schedules share: when they ran last and when they run next, none when they are done."""

    name = models.CharField(max_length=200)
    code = models.CharField(max_length=80, validators=[ids.relaxed_code])
    previous_run = models.DateTimeField(null=True, editable=False)
    next_run = models.DateTimeField(null=True, editable=False, db_index=True)
    custom_fields = ExactJSONField(default=dict, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class BalanceTransactionSchedule(Schedule):
    """Posts the same transaction at its start and after each interval before its end (SCH-1)."""

    balance = models.ForeignKey(
        Balance, on_delete=models.PROTECT, related_name="transaction_schedules"
    )
    amount = quantity_field()
    transaction_description = models.TextField()
    transaction_type = models.ForeignKey(
        TransactionType, on_delete=models.PROTECT, related_name="schedules"
    )
    paid = quantity_field(null=True, blank=True)
    currency_paid = models.CharField(max_length=80, null=True, blank=True)
    start_date = models.DateTimeField()
    end_date = models.DateTimeField(help_text="Exclusive.")
    frequency = models.CharField(max_length=16, choices=ScheduleFrequency)
    frequency_interval = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "code"], name="balance_transaction_schedule_code_unique"
            ),
            models.CheckConstraint(
                condition=Q(end_date__gt=F("start_date")), name="transaction_schedule_ends"
            ),
        ]
        indexes = [
            newest_first_index("transaction_schedule_list"),
            models.Index(fields=["balance", "-created_at", "-id"], name="transaction_schedules"),
        ]


class BalanceChargeSchedule(Schedule):
    """Makes a charge for each slice of its service period (SCH-2)."""

    balance = models.ForeignKey(Balance, on_delete=models.PROTECT, related_name="charge_schedules")
    amount = quantity_field(null=True, blank=True)
    units = quantity_field(null=True, blank=True)
    unit_price = quantity_field(null=True, blank=True)
    currency = models.CharField(max_length=80)
    service_period_start_date = models.DateTimeField()
    service_period_end_date = models.DateTimeField(help_text="Exclusive.")
    bill_epoch = models.DateField(null=True, blank=True)
    bill_frequency = models.CharField(max_length=16, choices=ScheduleFrequency)
    bill_frequency_interval = models.PositiveSmallIntegerField()
    bill_in_advance = models.BooleanField()
    charge_description = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "code"], name="balance_charge_schedule_code_unique"
            ),
            models.CheckConstraint(
                condition=Q(service_period_end_date__gt=F("service_period_start_date")),
                name="charge_schedule_ends",
            ),
        ]
        indexes = [
            newest_first_index("charge_schedule_list"),
            models.Index(fields=["balance", "-created_at", "-id"], name="charge_schedules"),
        ]
