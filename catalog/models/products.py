"""What is sold: products, plan templates and plans."""

from django.db import models
from django.db.models import Q

from organizations.kernel import ids
from organizations.kernel.exact_json import ExactJSONField
from organizations.kernel.tenancy import TenantModel, newest_first_index, quantity_field


class BillingFrequency(models.TextChoices):
    DAILY = "DAILY", "Daily"
    WEEKLY = "WEEKLY", "Weekly"
    MONTHLY = "MONTHLY", "Monthly"
    ANNUALLY = "ANNUALLY", "Annually"
    AD_HOC = "AD_HOC", "Ad hoc"


class Product(TenantModel):
    """The container of meters, aggregations, plan templates and plans (PRD-2)."""

    name = models.CharField(max_length=200)
    code = models.CharField(max_length=80, validators=[ids.relaxed_code])
    custom_fields = ExactJSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "code"], name="product_code_unique")
        ]
        indexes = [newest_first_index("product_newest")]

    def __str__(self) -> str:
        return self.name


class PlanTemplate(TenantModel):
    """What the plans of one product share: currency, bill frequency and default charges (2.2)."""

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="plan_templates")
    name = models.CharField(max_length=200)
    code = models.CharField(max_length=80, null=True, blank=True, validators=[ids.relaxed_code])
    currency = models.CharField(max_length=80, help_text="Prices of every plan are in it.")
    bill_frequency = models.CharField(max_length=8, choices=BillingFrequency)
    bill_frequency_interval = models.PositiveSmallIntegerField(default=1)
    standing_charge = quantity_field()
    standing_charge_description = models.CharField(max_length=200, null=True, blank=True)
    standing_charge_interval = models.PositiveSmallIntegerField(
        default=1, help_text="Counted in bills, not months."
    )
    standing_charge_offset = models.PositiveSmallIntegerField(
        default=0, help_text="Bills skipped before the first standing charge."
    )
    standing_charge_bill_in_advance = models.BooleanField(null=True, blank=True)
    minimum_spend = quantity_field(null=True, blank=True)
    minimum_spend_description = models.CharField(max_length=200, null=True, blank=True)
    minimum_spend_bill_in_advance = models.BooleanField(null=True, blank=True)
    ordinal = models.BigIntegerField(null=True, blank=True)
    custom_fields = ExactJSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "code"], name="plan_template_code_unique"
            ),
            models.CheckConstraint(
                condition=Q(standing_charge__gte=0), name="plan_template_standing_charge_positive"
            ),
            models.CheckConstraint(
                condition=Q(bill_frequency_interval__range=(1, 365)),
                name="plan_template_bill_frequency_interval_range",
            ),
        ]
        indexes = [newest_first_index("plan_template_newest")]

    def __str__(self) -> str:
        return self.name


class Plan(TenantModel):
    """A priced version of a template that accounts are attached to (2.3).

    A null here means: as the template says. Zero is a value (PLN-4).
    """

    plan_template = models.ForeignKey(PlanTemplate, on_delete=models.PROTECT, related_name="plans")
    name = models.CharField(max_length=200)
    code = models.CharField(max_length=80, validators=[ids.relaxed_code])
    account = models.ForeignKey(
        "billing.Account",
        on_delete=models.PROTECT,
        related_name="bespoke_plans",
        null=True,
        blank=True,
        help_text="A bespoke plan belongs to one account.",
    )
    standing_charge = quantity_field(null=True, blank=True)
    standing_charge_description = models.CharField(max_length=200, null=True, blank=True)
    standing_charge_bill_in_advance = models.BooleanField(null=True, blank=True)
    standing_charge_accounting_product = models.ForeignKey(
        Product, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    minimum_spend = quantity_field(null=True, blank=True)
    minimum_spend_description = models.CharField(max_length=200, null=True, blank=True)
    minimum_spend_bill_in_advance = models.BooleanField(null=True, blank=True)
    minimum_spend_accounting_product = models.ForeignKey(
        Product, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    ordinal = models.BigIntegerField(null=True, blank=True)
    custom_fields = ExactJSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "code"], name="plan_code_unique")
        ]
        indexes = [newest_first_index("plan_newest")]

    def __str__(self) -> str:
        return self.name
