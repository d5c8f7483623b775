"""How usage is measured: meters and their fields, aggregations and their parameters."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from catalog.models.products import Product
from organizations.kernel import ids
from organizations.kernel.exact_json import ExactJSONField
from organizations.kernel.tenancy import TenantModel, newest_first_index, quantity_field


class FieldCategory(models.TextChoices):
    WHO = "WHO", "Who"
    WHAT = "WHAT", "What"
    WHERE = "WHERE", "Where"
    OTHER = "OTHER", "Other"
    METADATA = "METADATA", "Metadata"
    MEASURE = "MEASURE", "Measure"
    INCOME = "INCOME", "Income"
    COST = "COST", "Cost"


NUMERIC_CATEGORIES = frozenset(
    {FieldCategory.MEASURE.value, FieldCategory.INCOME.value, FieldCategory.COST.value}
)


class Meter(TenantModel):
    """What a measurement looks like: its data fields, and the fields derived from them.

    ``data_fields`` is a list of {category, code, name, unit}; ``derived_fields`` the same with
    ``calculation``. Without product the meter is global (usage.md 2.4).
    """

    product = models.ForeignKey(
        Product, on_delete=models.PROTECT, related_name="meters", null=True, blank=True
    )
    group_id = models.UUIDField(null=True, blank=True)
    name = models.CharField(max_length=200)
    code = models.CharField(max_length=80, validators=[ids.relaxed_code])
    data_fields = ExactJSONField(default=list)
    derived_fields = ExactJSONField(default=list, blank=True)
    custom_fields = ExactJSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "code"], name="meter_code_unique")
        ]
        indexes = [newest_first_index("meter_newest")]

    def __str__(self) -> str:
        return self.name


class AggregationMethod(models.TextChoices):
    SUM = "SUM", "Sum"
    MIN = "MIN", "Minimum"
    MAX = "MAX", "Maximum"
    COUNT = "COUNT", "Count"
    LATEST = "LATEST", "Latest"
    MEAN = "MEAN", "Mean"
    UNIQUE = "UNIQUE", "Unique"
    CUSTOM_SQL = "CUSTOM_SQL", "Custom SQL"


class UnitRounding(models.TextChoices):
    UP = "UP", "Up"
    DOWN = "DOWN", "Down"
    NEAREST = "NEAREST", "Nearest"
    NONE = "NONE", "None"


class Aggregation(TenantModel):
    """How a period's measurements of one field become one quantity, and units (usage.md 9).

    Its product is its meter's. ``segments`` are maps with a value, or ``*``, for each of
    ``segmented_fields``.
    """

    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="aggregations")
    name = models.CharField(max_length=200)
    code = models.CharField(max_length=80, null=True, blank=True, validators=[ids.strict_code])
    target_field = models.CharField(max_length=80)
    aggregation = models.CharField("method", max_length=16, choices=AggregationMethod)
    rounding = models.CharField(max_length=8, choices=UnitRounding)
    quantity_per_unit = quantity_field()
    unit = models.CharField(max_length=50)
    default_value = quantity_field(null=True, blank=True)
    custom_sql = models.TextField(
        "custom SQL",
        max_length=2048,
        null=True,
        blank=True,
        help_text="Of method custom SQL: one SELECT from measurements that gives one number.",
    )
    segmented_fields = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    segments = models.JSONField(default=list, blank=True)
    accounting_product = models.ForeignKey(
        Product, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    custom_fields = ExactJSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "code"], name="aggregation_code_unique"
            ),
            models.CheckConstraint(
                condition=Q(quantity_per_unit__gt=0), name="aggregation_quantity_per_unit_positive"
            ),
        ]
        indexes = [newest_first_index("aggregation_newest")]

    def __str__(self) -> str:
        return self.name
