"""Plans of several products that share one minimum spend: plan groups and their links."""

from django.db import models
from django.db.models import Q

from catalog.models.products import Plan, Product
from organizations.kernel import ids
from organizations.kernel.exact_json import ExactJSONField
from organizations.kernel.tenancy import TenantModel, newest_first_index, quantity_field


class PlanGroup(TenantModel):
    """One minimum spend, and a standing charge if any, across several plans (GRP-1, GRP-3)."""

    name = models.CharField(max_length=200)
    code = models.CharField(max_length=80, null=True, blank=True, validators=[ids.relaxed_code])
    currency = models.CharField(max_length=80, help_text="The charges of the group are in it.")
    account = models.ForeignKey(
        "billing.Account",
        on_delete=models.PROTECT,
        related_name="bespoke_plan_groups",
        null=True,
        blank=True,
        help_text="A bespoke plan group belongs to one account.",
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
    custom_fields = ExactJSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "code"], name="plan_group_code_unique"),
            models.CheckConstraint(
                condition=Q(standing_charge__isnull=True) | Q(standing_charge__gte=0),
                name="plan_group_standing_charge_positive",
            ),
            models.CheckConstraint(
                condition=Q(minimum_spend__isnull=True) | Q(minimum_spend__gte=0),
                name="plan_group_minimum_spend_positive",
            ),
        ]
        indexes = [newest_first_index("plan_group_newest")]

    def __str__(self) -> str:
        return self.name


class PlanGroupLink(TenantModel):
    """One plan in one plan group; a plan may be in many (GRP-2)."""

    plan_group = models.ForeignKey(PlanGroup, on_delete=models.PROTECT, related_name="links")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="group_links")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["plan_group", "plan"], name="plan_group_link_plan_once")
        ]
        indexes = [newest_first_index("plan_group_link_newest")]

    def __str__(self) -> str:
        return f"{self.plan_id} in {self.plan_group_id}"
