"""Custom fields that compound aggregations refer to, as the accounts on planned bills have them.

The organization's defaults are overridden by the account, the account plan, its plan, plan
template, product and contract (usage.md 7.7, 11.3). At most two queries for all of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from billing.bills.compounds import CompoundMeasure
from billing.bills.planning import PlannedBill, PlanOfAccount
from billing.models import Account, AccountPlan
from catalog.calculations import Value
from organizations.kernel.among import Among

OF_ACCOUNT_PLANS = {
    "accountPlan": "custom_fields",
    "plan": "plan__custom_fields",
    "planTemplate": "plan__plan_template__custom_fields",
    "product": "plan__plan_template__product__custom_fields",
    "contract": "contract__custom_fields",
}
ACCOUNT = "account"

Fields = Mapping[str, Any]


@dataclass(slots=True)
class CustomFields:
    """Custom fields of accounts, and by account plan those of all that it belongs to."""

    _accounts: dict[UUID, Fields] = field(default_factory=dict)
    _account_plans: dict[UUID, dict[str, Fields]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        organization_id: UUID,
        measures: Iterable[CompoundMeasure],
        planned: Sequence[PlannedBill],
    ) -> "CustomFields":
        """Read what the calculations refer to, and nothing else."""
        found = cls()
        entities = {key.partition(".")[0] for one in measures for key, _ in one.defaults}
        if ACCOUNT in entities:
            ids = {bill.account.id for bill in planned}
            rows = Account.objects.for_organization(organization_id).filter(Among("id", ids))
            found._accounts = dict(rows.values_list("pk", "custom_fields"))
        if wanted := sorted(entities & OF_ACCOUNT_PLANS.keys()):
            ids = {plan.attached.id for bill in planned for plan in bill.plans}
            plans = AccountPlan.objects.for_organization(organization_id).filter(Among("id", ids))
            for pk, *values in plans.values_list("pk", *(OF_ACCOUNT_PLANS[one] for one in wanted)):
                found._account_plans[pk] = dict(zip(wanted, values, strict=True))
        return found

    def value(self, plan: PlanOfAccount, key: str, default: Value) -> Value:
        """Return a custom field as the account plan has it, else the default."""
        entity, _, name = key.partition(".")
        if entity == ACCOUNT:
            own = self._accounts.get(plan.attached.account_id)
        else:
            own = self._account_plans.get(plan.attached.id, {}).get(entity)
        value: Value = own.get(name, default) if own else default
        return value
