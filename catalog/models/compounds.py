"""Quantities calculated from the values of other aggregations."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from catalog.models.metering import UnitRounding
from catalog.models.products import Product
from organizations.kernel import ids
from organizations.kernel.exact_json import ExactJSONField
from organizations.kernel.tenancy import TenantModel, newest_first_index, quantity_field


class CompoundAggregation(TenantModel):
    """A calculation over the base values of aggregations of one account and period (usage.md 11).

    ``aggregation_ids`` are those the calculation refers to; ``segments`` those it can be priced
    by (11.5). Both follow from the calculation and are kept for lists and deletes. Without product
    it is global.
    """

    product = models.ForeignKey(
        Product,
        on_delete=models.PROTECT,
        related_name="compound_aggregations",
        null=True,
        blank=True,
    )
    name = models.CharField(max_length=200)
    code = models.CharField(max_length=80, null=True, blank=True, validators=[ids.strict_code])
    calculation = models.TextField(max_length=5000)
    rounding = models.CharField(max_length=8, choices=UnitRounding)
    quantity_per_unit = quantity_field()
    unit = models.CharField(max_length=50)
    evaluate_null_aggregations = models.BooleanField(
        "evaluate without data",
        default=False,
        help_text="Evaluate although an aggregation has no data; isnull() can tell.",
    )
    accounting_product = models.ForeignKey(
        Product, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    aggregation_ids = ArrayField(models.UUIDField(), default=list, editable=False)
    segments = models.JSONField(default=list, editable=False)
    custom_fields = ExactJSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "code"], name="compound_aggregation_code_unique"
            ),
            models.CheckConstraint(
                condition=Q(quantity_per_unit__gt=0),
                name="compound_aggregation_quantity_per_unit_positive",
            ),
        ]
        indexes = [
            newest_first_index("compound_aggregation_newest"),
            GinIndex(fields=["aggregation_ids"], name="compound_aggregation_refers"),
        ]

    def __str__(self) -> str:
        return self.name
