"""Custom fields that calculations refer to, of the rows a batch belongs to (usage.md 7.7).

Account plan, plan and plan template are those of the account plan of the meter's product that is
active at the measurement's time; where none or several are, the organization's defaults count.
At most three queries for a batch.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from billing.models import Account, AccountPlan
from billing.usage.enrichment import Enriched
from catalog.calculations import Value
from catalog.models import Product

OF_PLANS = ("accountPlan.", "plan.", "planTemplate.")


@dataclass(slots=True)
class CustomValues:
    """What the rows of one batch have instead of the organization's defaults."""

    accounts: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    products: dict[UUID, Mapping[str, Any]] = field(default_factory=dict)
    plans: dict[tuple[str, UUID], list[AccountPlan]] = field(default_factory=dict)

    @classmethod
    def of(cls, organization_id: UUID, enriched: Iterable[Enriched]) -> "CustomValues":
        """Read what the calculations of these measurements refer to, and nothing else."""
        found = cls()
        codes: set[str] = set()
        product_ids: set[UUID] = set()
        planned: set[tuple[str, UUID]] = set()
        for one in enriched:
            derivation, code = one.meter.derivation, one.received.item.account
            product_id = derivation.product_id
            for key in derivation.from_rows:
                if key.startswith("account."):
                    codes.add(code)
                elif key.startswith(OF_PLANS) and product_id is not None:
                    planned.add((code, product_id))
                elif key.startswith("product.") and product_id is not None:
                    product_ids.add(product_id)
        if codes:
            rows = Account.objects.for_organization(organization_id).filter(code__in=sorted(codes))
            found.accounts = dict(rows.values_list("code", "custom_fields"))
        if product_ids:
            rows = Product.objects.for_organization(organization_id).filter(pk__in=product_ids)
            found.products = dict(rows.values_list("pk", "custom_fields"))
        if planned:
            found._read_plans(organization_id, planned)
        return found

    def _read_plans(self, organization_id: UUID, planned: set[tuple[str, UUID]]) -> None:
        rows = (
            AccountPlan.objects.for_organization(organization_id)
            .filter(
                account__code__in=sorted({code for code, _ in planned}),
                product_id__in={product_id for _, product_id in planned},
            )
            .select_related("account", "plan__plan_template")
        )
        for row in rows:
            self.plans.setdefault((row.account.code, row.product_id), []).append(row)

    def values(self, one: Enriched) -> dict[str, Value]:
        """Return the values of a measurement's own rows by key, where they have any."""
        derivation, code = one.meter.derivation, one.received.item.account
        product_id = derivation.product_id
        of: dict[str, Mapping[str, Any]] = {
            "account": self.accounts.get(code, {}),
            "product": self.products.get(product_id, {}) if product_id else {},
        }
        plan = self._plan_at(code, product_id, one) if product_id else None
        if plan is not None:
            of["accountPlan"] = plan.custom_fields
            of["plan"] = plan.plan.custom_fields
            of["planTemplate"] = plan.plan.plan_template.custom_fields
        found: dict[str, Value] = {}
        for key in derivation.from_rows:
            entity, _, name = key.partition(".")
            if name in of.get(entity, {}):
                found[key] = of[entity][name]
        return found

    def _plan_at(self, code: str, product_id: UUID, one: Enriched) -> AccountPlan | None:
        ts = one.received.ts
        active = [
            row
            for row in self.plans.get((code, product_id), [])
            if row.start_date <= ts and (row.end_date is None or ts < row.end_date)
        ]
        return active[0] if len(active) == 1 else None
