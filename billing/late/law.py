"""Whether usage adds up: what is stored is what is billed plus what is listed as late.

For sums without a default, a segment, a filter or a day of another timezone in between, straight
from the stored measurements; nothing of how a bill is calculated is asked again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet, Sum

from billing.models import Account, Contract, LateUsage, LateUsageCheck, LineItem, LineItemType
from billing.rating.late import Held, usage_key
from billing.usage import store
from billing.usage.store import Method, QuantityRequest
from catalog.models import Aggregation
from organizations.kernel import clock
from organizations.kernel.money import ZERO

BATCH = 500


@dataclass(frozen=True, slots=True)
class Sums:
    """One charge on a locked bill: stored usage, what the bill holds, what is listed."""

    line_id: UUID
    stored: Decimal
    billed: Decimal
    listed: Decimal

    @property
    def adds_up(self) -> bool:
        """The law."""
        return self.stored == self.billed + self.listed


def compare(organization_id: UUID) -> int:
    """Compare every locked charge of a sum and keep the figures; returns how many are off."""
    checked = off = 0
    ids = list(_lines(organization_id).values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH):
        found = sums(organization_id, ids[start : start + BATCH])
        checked += len(found)
        off += sum(not one.adds_up for one in found)
    LateUsageCheck.objects.update_or_create(
        organization_id=organization_id,
        defaults={"compared_at": clock.now(), "lines_checked": checked, "lines_off": off},
    )
    return off


def sums(organization_id: UUID, line_ids: Sequence[UUID]) -> list[Sums]:
    """Return the three figures of each line, in the order of ids; three queries."""
    lines = list(_lines(organization_id).filter(pk__in=line_ids).select_related("bill"))
    fields = dict(
        Aggregation.objects.filter(pk__in={line.aggregation_id for line in lines}).values_list(
            "pk", "target_field"
        )
    )
    stored = store.quantities(organization_id, [_request(line, fields) for line in lines])
    listed = _listed([line.bill_id for line in lines])
    return [
        Sums(
            line.pk,
            quantity.value or ZERO,
            line.quantity,
            listed.get((line.bill_id, _key(line)), ZERO),
        )
        for line, quantity in zip(lines, stored, strict=True)
    ]


def _lines(organization_id: UUID) -> QuerySet[LineItem]:
    """Return the lines that the law is asked of."""
    plain = Aggregation.objects.filter(
        pk=OuterRef("aggregation_id"), aggregation="SUM", default_value__isnull=True
    )
    filtered = Contract.objects.filter(pk=OuterRef("contract_id")).exclude(usage_filters=[])
    divided = LineItem.objects.filter(
        bill_id=OuterRef("bill_id"), line_item_type=LineItemType.OVERAGE_USAGE
    )
    family = Account.objects.filter(parent_account_id=OuterRef("bill__account_id"))
    return LineItem.objects.filter(
        Exists(plain),
        ~Exists(family),
        ~Exists(filtered),
        ~Exists(divided),
        organization_id=organization_id,
        bill__is_locked=True,
        line_item_type=LineItemType.USAGE,
        segment={},
        child_account_id__isnull=True,
    ).order_by("pk")


def _request(line: LineItem, fields: dict[UUID, str]) -> QuantityRequest:
    if line.meter_id is None or line.aggregation_id is None:
        raise ValueError("Only what an aggregation measured is asked for.")
    return QuantityRequest(
        account_ids=(line.bill.account_id,),
        meter_id=line.meter_id,
        field=fields[line.aggregation_id],
        method=Method.SUM,
        start_at=line.service_period_start,
        end_at=line.service_period_end,
    )


def _listed(bill_ids: Sequence[UUID]) -> dict[tuple[UUID, str], Decimal]:
    rows = LateUsage.objects.filter(bill_id__in=bill_ids).values("bill_id", "usage_key")
    found = rows.annotate(total=Sum("quantity")).order_by()
    return {(row["bill_id"], row["usage_key"]): row["total"] for row in found}


def _key(line: LineItem) -> str:
    return usage_key(
        Held(
            line.line_item_type,
            line.line_key,
            line.account_plan_id,
            line.pricing_id,
            line.aggregation_id,
            line.currency,
            line.quantity,
            line.units,
            line.subtotal,
        )
    )
