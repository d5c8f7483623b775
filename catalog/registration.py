"""What this app tells the kernel's registry when Django starts."""

from decimal import Decimal

from catalog import metering_rules, pricing_rules, rules
from catalog import representations as look
from catalog.compounds import registration as compounds
from catalog.compounds import rules as compound_rules
from catalog.counters import registration as counters
from catalog.lookups import registration as lookups
from catalog.models import Aggregation, Meter, Plan, PlanTemplate, Pricing, Product
from catalog.plan_groups import registration as plan_groups
from organizations.kernel import registry
from organizations.models import Currency


def register() -> None:
    """Register entities, delete guards and sentences for constraints."""
    entities = (
        (Product, "product", look.product, None),
        (Meter, "meter", look.meter, metering_rules.check_meter),
        (Aggregation, "aggregation", look.aggregation, metering_rules.check_aggregation),
        (PlanTemplate, "planTemplate", look.plan_template, rules.check_plan_template),
        (Plan, "plan", look.plan, rules.check_plan),
        (Pricing, "pricing", look.pricing, pricing_rules.check_pricing),
    )
    for model, kind, represent, check in entities:
        registry.register(
            model,
            f"config:{kind}",
            event=f"configuration.{kind.lower()}",
            represent=represent,
            moves_catalog=model is Meter,
            check=check,
            follow=compound_rules.follow_segments if model is Aggregation else None,
        )
    registry.has_parts(Pricing, "pricingBands", "configuration.pricingband")
    registry.recorded(
        "configuration.pricingband",
        lambda: {
            "id": "", "lowerLimit": Decimal(0), "fixedPrice": Decimal(0), "unitPrice": Decimal(0),
            "creditTypeId": "", "pricingId": "",
        },
    )  # fmt: skip
    # The contract has no operation that makes a group of meters: the type is listed, none happens.
    registry.recorded("configuration.metergroup", lambda: {"id": "", "name": "", "code": ""})
    registry.refers(Product, "meters", lambda row: row.meters.all())
    registry.refers(Product, "plan templates", lambda row: row.plan_templates.all())
    registry.refers(Meter, "aggregations", lambda row: row.aggregations.all())
    registry.refers(Aggregation, "pricings", lambda row: row.pricings.all())
    registry.refers(PlanTemplate, "plans", lambda row: row.plans.all())
    registry.refers(PlanTemplate, "pricings", lambda row: row.pricings.all())
    registry.refers(Plan, "pricings", lambda row: row.pricings.all())
    registry.refers(
        Currency,
        "plan templates",
        lambda row: PlanTemplate.objects.filter(
            organization_id=row.organization_id, currency=row.code
        ),
    )
    for name in ("pricing_plan_no_overlap", "pricing_template_no_overlap"):
        registry.explain_constraint(
            name,
            "startDate",
            "another pricing of the same aggregation and segment is in force at this time",
        )
    registry.explain_constraint("pricing_ends_after_start", "endDate", "must be after startDate")
    counters.register()
    plan_groups.register()
    compounds.register()
    lookups.register()
