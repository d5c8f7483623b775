"""Charges by a number of units that people set: counters and what their units cost."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Q

from catalog.models.pricing import InstantRange
from catalog.models.products import Plan, PlanTemplate, Product
from organizations.kernel import ids
from organizations.kernel.exact_json import ExactJSONField
from organizations.kernel.tenancy import TenantModel, newest_first_index


class Counter(TenantModel):
    """A number of units an account holds, such as seats; without product it is global (CTR-1)."""

    product = models.ForeignKey(
        Product, on_delete=models.PROTECT, related_name="counters", null=True, blank=True
    )
    name = models.CharField(max_length=200)
    code = models.CharField(max_length=80, null=True, blank=True, validators=[ids.relaxed_code])
    unit = models.CharField(max_length=50, help_text="Printed on bill lines, for example seats.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "code"], name="counter_code_unique")
        ]
        indexes = [newest_first_index("counter_newest")]

    def __str__(self) -> str:
        return self.name


def _no_overlap(name: str, owner: str) -> ExclusionConstraint:
    """Return the constraint that one counter has one price at a time on a plan or template."""
    return ExclusionConstraint(
        name=name,
        expressions=[
            (owner, RangeOperators.EQUAL),
            ("counter", RangeOperators.EQUAL),
            (InstantRange("start_date", "end_date", RangeBoundary()), RangeOperators.OVERLAPS),
        ],
        condition=Q(**{f"{owner}__isnull": False}),
    )


class CounterPricing(TenantModel):
    """The price of a counter's units on a plan or a plan template (CTR-2).

    ``bands`` are those of a pricing: sorted by lower limit, the first at 0.
    """

    plan = models.ForeignKey(
        Plan, on_delete=models.PROTECT, related_name="counter_pricings", null=True, blank=True
    )
    plan_template = models.ForeignKey(
        PlanTemplate,
        on_delete=models.PROTECT,
        related_name="counter_pricings",
        null=True,
        blank=True,
    )
    counter = models.ForeignKey(Counter, on_delete=models.PROTECT, related_name="pricings")
    code = models.CharField(max_length=80, null=True, blank=True, validators=[ids.relaxed_code])
    description = models.CharField(max_length=200, null=True, blank=True)
    start_date = models.DateTimeField()
    end_date = models.DateTimeField(null=True, blank=True, help_text="Exclusive.")
    is_cumulative = models.BooleanField("cumulative", default=False)
    bands = ExactJSONField(default=list)
    running_total_bill_in_advance = models.BooleanField(
        "bill the running total in advance", default=True
    )
    pro_rate_running_total = models.BooleanField("prorate the running total", default=True)
    pro_rate_adjustment_debit = models.BooleanField("prorate added units", default=True)
    pro_rate_adjustment_credit = models.BooleanField("prorate removed units", default=True)
    accounting_product = models.ForeignKey(
        Product, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(plan__isnull=False) ^ Q(plan_template__isnull=False),
                name="counter_pricing_plan_or_template",
            ),
            models.CheckConstraint(
                condition=Q(end_date__isnull=True) | Q(end_date__gt=F("start_date")),
                name="counter_pricing_ends_after_start",
            ),
            models.UniqueConstraint(
                fields=["organization", "code"], name="counter_pricing_code_unique"
            ),
            _no_overlap("counter_pricing_plan_no_overlap", "plan"),
            _no_overlap("counter_pricing_template_no_overlap", "plan_template"),
        ]
        indexes = [newest_first_index("counter_pricing_newest")]

    def __str__(self) -> str:
        return f"{self.counter_id} from {self.start_date:%Y-%m-%d} [{self.pk}]"
