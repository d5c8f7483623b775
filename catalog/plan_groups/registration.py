"""What the kernel has to know of plan groups and their links."""

from catalog.models import Plan, PlanGroup, PlanGroupLink
from catalog.plan_groups import representations as look
from catalog.plan_groups import rules
from organizations.kernel import registry
from organizations.models import Currency


def register() -> None:
    """Register plan groups and plan group links."""
    registry.register(
        PlanGroup,
        "config:planGroup",
        event="configuration.plangroup",
        represent=look.plan_group,
        check=rules.check_plan_group,
    )
    registry.register(
        PlanGroupLink,
        "config:planGroupLink",
        event="configuration.plangrouplink",
        represent=look.plan_group_link,
        check=rules.check_plan_group_link,
    )
    registry.refers(PlanGroup, "plan group links", lambda row: row.links.all())
    registry.refers(Plan, "plan group links", lambda row: row.group_links.all())
    registry.refers(
        Currency,
        "plan groups",
        lambda row: PlanGroup.objects.filter(
            organization_id=row.organization_id, currency=row.code
        ),
    )
    registry.explain_constraint(
        "plan_group_link_plan_once", "planId", "this plan is in the group already"
    )
