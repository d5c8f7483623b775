"""Custom fields that compound aggregations refer to, as the accounts on planned bills have them.

The organization's defaults are overridden by the account, the account plan, its plan, plan
template, product and contract (usage.md 7.7, 11.3). At most three queries for all of them.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from billing.bills.compounds import CompoundMeasure
from billing.bills.planning import PlannedBill, PlanOfAccount
from billing.models import Account, AccountPlan
from catalog.calculations import Value
from catalog.models import Plan
from organizations.kernel.among import Among

OF_ACCOUNT_PLANS = {
    "accountPlan": "custom_fields",
    "contract": "contract__custom_fields",
}
# Asked by plan: one account plan of a plan group has several.
OF_PLANS = {
    "plan": "custom_fields",
    "planTemplate": "plan_template__custom_fields",
    "product": "plan_template__product__custom_fields",
}
ACCOUNT = "account"

Fields = Mapping[str, Any]


@dataclass(slots=True)
class CustomFields:
    """Custom fields of accounts, account plans and plans, with those of what they belong to."""

    _accounts: dict[UUID, Fields] = field(default_factory=dict)
    _account_plans: dict[UUID, dict[str, Fields]] = field(default_factory=dict)
    _plans: dict[UUID, dict[str, Fields]] = field(default_factory=dict)

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
            ids |= {plan.attached.account_id for bill in planned for plan in bill.plans}
            rows = Account.objects.for_organization(organization_id).filter(Among("id", ids))
            found._accounts = dict(rows.values_list("pk", "custom_fields"))
        plans = [plan.attached for bill in planned for plan in bill.plans]
        if names := _named(entities, OF_ACCOUNT_PLANS):
            rows = AccountPlan.objects.for_organization(organization_id)
            found._account_plans = _read(rows, {plan.id for plan in plans}, names)
        if names := _named(entities, OF_PLANS):
            rows = Plan.objects.for_organization(organization_id)
            found._plans = _read(rows, {plan.plan_id for plan in plans}, names)
        return found

    def value(self, plan: PlanOfAccount, key: str, default: Value) -> Value:
        """Return a custom field as the account plan has it, else the default."""
        entity, _, name = key.partition(".")
        if entity == ACCOUNT:
            own = self._accounts.get(plan.attached.account_id)
        elif entity in OF_PLANS:
            own = self._plans.get(plan.attached.plan_id, {}).get(entity)
        else:
            own = self._account_plans.get(plan.attached.id, {}).get(entity)
        value: Value = own.get(name, default) if own else default
        return value


def _named(entities: set[str], columns: Mapping[str, str]) -> dict[str, str]:
    """Return the columns of the entities that are asked for."""
    return {name: column for name, column in columns.items() if name in entities}


def _read(
    rows: QuerySet[Any], ids: Collection[UUID], names: Mapping[str, str]
) -> dict[UUID, dict[str, Fields]]:
    found = rows.filter(Among("id", ids)).values_list("pk", *names.values())
    return {pk: dict(zip(names, values, strict=True)) for pk, *values in found}
