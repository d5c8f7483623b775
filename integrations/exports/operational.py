"""Operational data: every entity of a type that one may read, as the API shows it (D2)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import QuerySet

from billing.models import (
    Account,
    AccountPlan,
    Balance,
    BalanceTransaction,
    Bill,
    Charge,
    Commitment,
    Contract,
    LineItem,
)
from catalog.models import (
    Aggregation,
    CompoundAggregation,
    Meter,
    Plan,
    PlanGroup,
    PlanGroupLink,
    PlanTemplate,
    Pricing,
    Product,
)
from organizations.access import Rights
from organizations.kernel import event_types, registry
from organizations.kernel.representing import text
from organizations.models import TransactionType

BATCH = 1000
BAND_COLUMNS = (
    "id", "pricingId", "planId", "planTemplateId", "aggregationId", "compoundAggregationId",
    "kind", "lowerLimit", "fixedPrice", "unitPrice", "creditTypeId",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of data: the rows it is made of, and its word in the names of files."""

    model: type[models.Model]
    word: str


KINDS = {
    "ACCOUNTS": Kind(Account, "account"),
    "ACCOUNT_PLANS": Kind(AccountPlan, "accountplan"),
    "AGGREGATIONS": Kind(Aggregation, "aggregation"),
    "BALANCES": Kind(Balance, "balance"),
    "BALANCE_TRANSACTIONS": Kind(BalanceTransaction, "balancetransaction"),
    "BILLS": Kind(Bill, "bill"),
    "BILL_LINE_ITEMS": Kind(LineItem, "billlineitem"),
    "CHARGES": Kind(Charge, "charge"),
    "COMMITMENTS": Kind(Commitment, "commitment"),
    "COMPOUND_AGGREGATIONS": Kind(CompoundAggregation, "compoundaggregation"),
    "CONTRACTS": Kind(Contract, "contract"),
    "METERS": Kind(Meter, "meter"),
    "PLANS": Kind(Plan, "plan"),
    "PLAN_GROUPS": Kind(PlanGroup, "plangroup"),
    "PLAN_GROUP_LINKS": Kind(PlanGroupLink, "plangrouplink"),
    "PLAN_TEMPLATES": Kind(PlanTemplate, "plantemplate"),
    "PRICING": Kind(Pricing, "pricing"),
    "PRICING_BANDS": Kind(Pricing, "pricingband"),
    "PRODUCTS": Kind(Product, "product"),
    "TRANSACTION_TYPES": Kind(TransactionType, "transactiontype"),
}


def columns(kind: str) -> list[str]:
    """Return the fields of a type in order, whether there are rows or not."""
    if kind == "PRICING_BANDS":
        return list(BAND_COLUMNS)
    model = KINDS[kind].model
    return list(registry.of(model).represent(event_types.sample(model)))


def batches(
    rights: Rights, kind: str, *, since: datetime | None, until: datetime
) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows of a type, oldest first; with ``since`` those changed from then on.

    Each batch is a query of its own, so no transaction stays open while bytes are on their way.
    """
    model = KINDS[kind].model
    resource = registry.of(model)
    rows = model._default_manager.for_organization(rights.principal.organization_id)
    rows = rights.visible(rows.filter(created_at__lt=until), "config:retrieve", resource.name)
    if since is not None:
        rows = rows.filter(modified_at__gte=since)
    for batch in _keyset(rows.order_by("pk")):
        if kind == "PRICING_BANDS":
            yield [band for row in batch for band in _bands(row)]
        else:
            yield [resource.represent(row) for row in batch]


def _keyset(rows: QuerySet) -> Iterator[list[Any]]:
    """Yield the rows in the order of their ids, which is that in which they were made."""
    batch = list(rows[:BATCH])
    while batch:
        yield batch
        batch = list(rows.filter(pk__gt=batch[-1].pk)[:BATCH]) if len(batch) == BATCH else []


def _bands(row: Pricing) -> Iterable[dict[str, Any]]:
    for kind, bands in (("BAND", row.bands), ("OVERAGE", row.overage_bands)):
        for band in bands:
            yield {
                "pricingId": str(row.pk),
                "planId": text(row.plan_id),
                "planTemplateId": text(row.plan_template_id),
                "aggregationId": text(row.aggregation_id),
                "compoundAggregationId": text(row.compound_aggregation_id),
                "kind": kind,
                "creditTypeId": None,
                **band,
            }
