"""Charges: amounts a person or a schedule puts on the bill of a given date."""

from django.db import models
from django.db.models import F, Q

from billing.models.accounts import Account
from billing.models.balances import Balance
from billing.models.bills import Bill
from billing.models.contracts import Contract
from catalog.models import Product
from organizations.kernel import ids
from organizations.kernel.tenancy import TenantModel, newest_first_index, quantity_field


class ChargeEntityType(models.TextChoices):
    AD_HOC = "AD_HOC", "One-off"
    BALANCE = "BALANCE", "Fee of a balance"


class ChargeLineItemType(models.TextChoices):
    AD_HOC = "AD_HOC", "One-off charge"
    BALANCE_FEE = "BALANCE_FEE", "Balance fee"


class Charge(TenantModel):
    """An amount, or units and their price, on the bill of one date (CHG-1, CHG-2, CHG-3).

    ``bill`` is the bill that carries it. ``schedule_id`` names the schedule that made it, which
    may be gone; a schedule makes one charge for each start of a service period.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="charges")
    contract = models.ForeignKey(
        Contract, on_delete=models.PROTECT, related_name="charges", null=True, blank=True
    )
    name = models.CharField(max_length=200)
    code = models.CharField(max_length=80, validators=[ids.relaxed_code])
    description = models.TextField(null=True, blank=True)
    notes = models.TextField(null=True, blank=True, help_text="Never shown on the bill.")
    entity_type = models.CharField(max_length=16, choices=ChargeEntityType)
    line_item_type = models.CharField(max_length=16, choices=ChargeLineItemType)
    balance = models.ForeignKey(
        Balance, on_delete=models.PROTECT, related_name="charges", null=True, blank=True
    )
    currency = models.CharField(max_length=80)
    amount = quantity_field(null=True, blank=True)
    units = quantity_field(null=True, blank=True)
    unit_price = quantity_field(null=True, blank=True)
    bill_date = models.DateField(
        null=True, blank=True, help_text="The date of its bill. Empty: not billed until it is set."
    )
    service_period_start_date = models.DateTimeField()
    service_period_end_date = models.DateTimeField(help_text="Exclusive.")
    accounting_product = models.ForeignKey(
        Product, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    bill = models.ForeignKey(
        Bill, on_delete=models.SET_NULL, related_name="charges", null=True, editable=False
    )
    schedule_id = models.UUIDField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "code"],
                condition=Q(schedule_id__isnull=True),
                name="charge_code_unique",
            ),
            models.UniqueConstraint(
                fields=["schedule_id", "service_period_start_date"], name="charge_scheduled_once"
            ),
            models.CheckConstraint(
                condition=Q(amount__isnull=False, units__isnull=True, unit_price__isnull=True)
                | Q(amount__isnull=True, units__isnull=False, unit_price__isnull=False),
                name="charge_amount_or_units",
            ),
            models.CheckConstraint(
                condition=Q(service_period_end_date__gte=F("service_period_start_date")),
                name="charge_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(entity_type="AD_HOC", line_item_type="AD_HOC", balance__isnull=True)
                | Q(entity_type="BALANCE", line_item_type="BALANCE_FEE", balance__isnull=False),
                name="charge_kinds_match",
            ),
        ]
        indexes = [
            newest_first_index("charge_newest"),
            models.Index(fields=["account", "bill_date"], name="charge_account_bill_date"),
            models.Index(fields=["organization", "bill_date"], name="charge_bill_date"),
        ]

    def __str__(self) -> str:
        return self.name
