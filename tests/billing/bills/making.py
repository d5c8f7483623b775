"""A priced organization in a few words: plan, price, accounts that use it."""

from decimal import Decimal
from typing import Any

from billing.models import Account
from catalog.models import Aggregation, Meter, Plan, Pricing
from organizations.models import Organization
from tests import factories


class Shop:
    """An organization that sells one product at 0.10 a unit and 20 a month."""

    organization: Organization
    meter: Meter
    aggregation: Aggregation
    plan: Plan
    pricing: Pricing

    def __init__(self, *, config: dict[str, Any] | None = None, **template: Any) -> None:
        self.organization = factories.make_organization(**(config or {}))
        self.fill(**template)

    def fill(self, **template: Any) -> None:
        """Sell the product in the organization."""
        self.meter = factories.make_meter(self.organization)
        self.aggregation = factories.make_aggregation(self.meter)
        fields = {"standing_charge": Decimal(20), **template}
        product = factories.make_product(self.organization, name="Storage", code="storage")
        self.plan = factories.make_plan(factories.make_plan_template(product, **fields))
        self.pricing = factories.make_pricing(self.plan, self.aggregation)

    def account(self, **fields: Any) -> Account:
        """Make an account that has been on the plan since January 2024."""
        account = factories.make_account(self.organization, **fields)
        factories.make_account_plan(account, self.plan)
        return account

    def accounts(self, count: int) -> list[Account]:
        """Make many such accounts."""
        return [self.account() for _ in range(count)]
