"""What this app tells the kernel's registry when Django starts."""

from catalog import representations as look
from catalog.models import Aggregation, Meter, Plan, PlanTemplate, Pricing, Product
from organizations.kernel import registry
from organizations.models import Currency


def register() -> None:
    """Register entities, delete guards and sentences for constraints."""
    for model, resource, event, represent in (
        (Product, "config:product", "configuration.product", look.product),
        (Meter, "config:meter", "configuration.meter", look.meter),
        (Aggregation, "config:aggregation", "configuration.aggregation", look.aggregation),
        (PlanTemplate, "config:planTemplate", "configuration.plantemplate", look.plan_template),
        (Plan, "config:plan", "configuration.plan", look.plan),
        (Pricing, "config:pricing", "configuration.pricing", look.pricing),
    ):
        registry.register(
            model, resource, event=event, represent=represent, moves_catalog=model is Meter
        )
    registry.refers(Product, "meters", lambda row: row.meters.count())
    registry.refers(Product, "plan templates", lambda row: row.plan_templates.count())
    registry.refers(Meter, "aggregations", lambda row: row.aggregations.count())
    registry.refers(Aggregation, "pricings", lambda row: row.pricings.count())
    registry.refers(PlanTemplate, "plans", lambda row: row.plans.count())
    registry.refers(PlanTemplate, "pricings", lambda row: row.pricings.count())
    registry.refers(Plan, "pricings", lambda row: row.pricings.count())
    registry.refers(
        Currency,
        "plan templates",
        lambda row: PlanTemplate.objects.filter(
            organization_id=row.organization_id, currency=row.code
        ).count(),
    )
    for name in ("pricing_plan_no_overlap", "pricing_template_no_overlap"):
        registry.explain_constraint(
            name,
            "startDate",
            "another pricing of the same aggregation and segment is in force at this time",
        )
    registry.explain_constraint("pricing_ends_after_start", "endDate", "must be after startDate")
