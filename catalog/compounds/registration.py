"""What the kernel has to know of compound aggregations."""

from catalog.compounds import representations as look
from catalog.compounds import rules
from catalog.models import Aggregation, CompoundAggregation, Product
from organizations.kernel import registry


def register() -> None:
    """Register compound aggregations, and what they ask of aggregations."""
    registry.register(
        CompoundAggregation,
        "config:compoundAggregation",
        event="configuration.compoundaggregation",
        represent=look.compound_aggregation,
        check=rules.check_compound,
    )
    registry.also_check(Aggregation, rules.check_aggregation)
    registry.refers(
        Aggregation,
        "compound aggregations",
        lambda row: CompoundAggregation.objects.filter(
            organization_id=row.organization_id, aggregation_ids__contains=[row.pk]
        ),
    )
    registry.refers(Product, "compound aggregations", lambda row: row.compound_aggregations.all())
    registry.refers(CompoundAggregation, "pricings", lambda row: row.pricings.all())
