"""A suite: plans of several products as one plan group, with one minimum spend for all of them."""

from decimal import Decimal

from catalog.models import Plan, PlanGroup, PlanGroupLink
from organizations.kernel import changes
from organizations.kernel.principals import Principal
from organizations.models import Organization

# Who has its plans as a suite, not one by one.
CUSTOMER = "verity-search"


def make(
    organization: Organization, plans: dict[str, Plan], codes: tuple[str, ...], *, by: Principal
) -> PlanGroup:
    """Make the suite of these plans."""
    suite = changes.create(
        PlanGroup(
            organization=organization,
            name="Enterprise suite",
            code="enterprise-suite",
            currency="USD",
            minimum_spend=Decimal(12_000),
            minimum_spend_description="Agreed minimum of the suite",
        ),
        by=by,
    )
    for code in codes:
        changes.create(
            PlanGroupLink(organization=organization, plan_group=suite, plan=plans[code]), by=by
        )
    return suite
