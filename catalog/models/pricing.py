"""What a unit costs: bands over time, on a plan or on its template."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q

from catalog.models.compounds import CompoundAggregation
from catalog.models.metering import Aggregation
from catalog.models.products import Plan, PlanTemplate, Product
from organizations.kernel import ids
from organizations.kernel.exact_json import ExactJSONField
from organizations.kernel.tenancy import TenantModel, newest_first_index, quantity_field


class PricingType(models.TextChoices):
    DEBIT = "DEBIT", "Debit"
    PRODUCT_CREDIT = "PRODUCT_CREDIT", "Product credit"
    GLOBAL_CREDIT = "GLOBAL_CREDIT", "Global credit"


class InstantRange(Func):
    """``tstzrange(start, end, '[)')``: a null end is open."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


def _no_overlap_of_compounds(name: str, owner: str) -> ExclusionConstraint:
    """Return the constraint that a compound, or a segment of it, has one price at a time."""
    return ExclusionConstraint(
        name=name,
        expressions=[
            (owner, RangeOperators.EQUAL),
            ("compound_aggregation", RangeOperators.EQUAL),
            ("segment_key", RangeOperators.EQUAL),
            (InstantRange("start_date", "end_date", RangeBoundary()), RangeOperators.OVERLAPS),
        ],
        condition=Q(**{f"{owner}__isnull": False, "compound_aggregation__isnull": False}),
    )


class Pricing(TenantModel):
    """The price of one aggregation (or one of its segments) for plan or template (PRC-1..7).

    ``bands`` is a list of {id, lowerLimit, fixedPrice, unitPrice}, sorted by lower limit, the
    first at 0; numbers are exact. ``segment`` is empty for an unsegmented price and
    ``segment_key`` its canonical text, so that the database can hold PRC-5.
    """

    plan = models.ForeignKey(
        Plan, on_delete=models.PROTECT, related_name="pricings", null=True, blank=True
    )
    plan_template = models.ForeignKey(
        PlanTemplate, on_delete=models.PROTECT, related_name="pricings", null=True, blank=True
    )
    aggregation = models.ForeignKey(
        Aggregation, on_delete=models.PROTECT, related_name="pricings", null=True, blank=True
    )
    compound_aggregation = models.ForeignKey(
        CompoundAggregation,
        on_delete=models.PROTECT,
        related_name="pricings",
        null=True,
        blank=True,
    )
    code = models.CharField(max_length=80, null=True, blank=True, validators=[ids.relaxed_code])
    description = models.CharField(max_length=200, null=True, blank=True)
    start_date = models.DateTimeField()
    end_date = models.DateTimeField(null=True, blank=True, help_text="Exclusive.")
    type = models.CharField(max_length=16, choices=PricingType, default=PricingType.DEBIT)
    is_cumulative = models.BooleanField("cumulative", default=False)
    tiers_span_plan = models.BooleanField(default=False)
    bands = ExactJSONField(default=list)
    overage_bands = ExactJSONField(default=list, blank=True)
    segment = models.JSONField(default=dict, blank=True)
    segment_key = models.TextField(default="", blank=True, editable=False)
    minimum_spend = quantity_field(null=True, blank=True)
    minimum_spend_description = models.CharField(max_length=200, null=True, blank=True)
    minimum_spend_bill_in_advance = models.BooleanField(null=True, blank=True)
    accounting_product = models.ForeignKey(
        Product, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(aggregation__isnull=False) ^ Q(compound_aggregation__isnull=False),
                name="pricing_aggregation_or_compound",
            ),
            _no_overlap_of_compounds("pricing_compound_plan_no_overlap", "plan"),
            _no_overlap_of_compounds("pricing_compound_template_no_overlap", "plan_template"),
            models.CheckConstraint(
                condition=Q(plan__isnull=False) ^ Q(plan_template__isnull=False),
                name="pricing_plan_or_template",
            ),
            models.CheckConstraint(
                condition=Q(end_date__isnull=True) | Q(end_date__gt=F("start_date")),
                name="pricing_ends_after_start",
            ),
            models.UniqueConstraint(fields=["organization", "code"], name="pricing_code_unique"),
            ExclusionConstraint(
                name="pricing_plan_no_overlap",
                expressions=[
                    ("plan", RangeOperators.EQUAL),
                    ("aggregation", RangeOperators.EQUAL),
                    ("segment_key", RangeOperators.EQUAL),
                    (
                        InstantRange("start_date", "end_date", RangeBoundary()),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(plan__isnull=False),
            ),
            ExclusionConstraint(
                name="pricing_template_no_overlap",
                expressions=[
                    ("plan_template", RangeOperators.EQUAL),
                    ("aggregation", RangeOperators.EQUAL),
                    ("segment_key", RangeOperators.EQUAL),
                    (
                        InstantRange("start_date", "end_date", RangeBoundary()),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(plan_template__isnull=False),
            ),
        ]
        indexes = [
            newest_first_index("pricing_newest"),
            models.Index(fields=["plan", "aggregation"], name="pricing_plan_aggregation"),
            models.Index(
                fields=["plan_template", "aggregation"], name="pricing_template_aggregation"
            ),
        ]

    def __str__(self) -> str:
        measured = self.aggregation_id or self.compound_aggregation_id
        return f"{measured} from {self.start_date:%Y-%m-%d} [{self.pk}]"
