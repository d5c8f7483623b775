"""What changed since the last bill of an account, from the lines stored with both bills."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from billing.bills import line_reading
from billing.models import AccountPlan, Bill, LineItem
from billing.rating import since_last
from billing.rating.lines import RatedLine
from billing.rating.since_last import BilledLine
from billing.rating.telling import Facts
from billing.statements import visible
from organizations.access import Rights


@dataclass(frozen=True, slots=True)
class Change:
    """A bill against the one before it; ``why`` is ``None`` where currencies differ."""

    bill: Bill
    previous: Bill
    why: since_last.Account | None


def of(rights: Rights, bill: Bill) -> Change | None:
    """Return what changed; ``None`` without a bill before, or where part of either is hidden."""
    previous = before(bill)
    if previous is None or len(visible.whole(rights, [bill, previous])) < 2:
        return None
    if previous.currency != bill.currency:
        return Change(bill, previous, None)
    rows = LineItem.objects.for_organization(bill.organization_id).filter(
        bill__in=[bill.pk, previous.pk]
    )
    lines: dict[UUID, list[BilledLine]] = {bill.pk: [], previous.pk: []}
    for row in line_reading.readable(rights, rows):
        lines[row.bill_id].append(stored(row))
    return Change(bill, previous, compare(previous, lines[previous.pk], bill, lines[bill.pk]))


def compare(
    previous: Bill, old: list[BilledLine], bill: Bill, new: list[BilledLine]
) -> since_last.Account:
    """Compare the lines of two bills, knowing which plans began or ended between them."""
    attached = {line.account_plan for line in (*old, *new) if line.account_plan}
    plans = AccountPlan.objects.for_organization(bill.organization_id).filter(pk__in=attached)
    began = plans.filter(start_date__gte=previous.start_at)
    ended = plans.filter(end_date__lte=bill.end_at)
    return since_last.compare(
        old,
        new,
        began={str(pk) for pk in began.values_list("pk", flat=True)},
        ended={str(pk) for pk in ended.values_list("pk", flat=True)},
    )


def before(bill: Bill) -> Bill | None:
    """Return the account's bill before this one, of the same frequency and grouping."""
    earlier = Bill.objects.for_organization(bill.organization_id).filter(
        account_id=bill.account_id,
        boundary_date__lt=bill.boundary_date,
        billing_frequency=bill.billing_frequency,
        bill_frequency_interval=bill.bill_frequency_interval,
        grouping=bill.grouping,
    )
    return earlier.order_by("-boundary_date").first()


def sentences(change: Change) -> list[tuple[str, Decimal | None]]:
    """Return at most three sentences, each with what it adds to the total."""
    if change.why is None:
        return [
            (
                f"The bill before was in {change.previous.currency}, "
                "so the totals cannot be compared.",
                None,
            )
        ]
    if not change.why.effects:
        return [("Nothing changed since the bill before.", Decimal(0))]
    return [(one.text, one.amount) for one in change.why.told()]


def stored(line: Any) -> BilledLine:
    """Return what is compared of a stored line; a row with its columns will do."""
    return BilledLine(
        line_type=line.line_item_type,
        subject=_subject(
            line.child_account_id,
            line.compound_aggregation_id or line.aggregation_id,
            line.counter_id,
            line.plan_group_id or line.plan_id,
            sorted(line.segment.items()),
        ),
        name=_name(line.calculation, line.description, [str(v) for v in line.segment.values()]),
        account_plan=str(line.account_plan_id) if line.account_plan_id else None,
        plan_name=line.plan_name or "",
        units=line.units,
        unit=line.unit,
        amount=line.converted_subtotal,
        starts_at=line.service_period_start,
        record=line.calculation,
    )


def rated(line: RatedLine, *, account_id: UUID, plan_names: dict[UUID, str]) -> BilledLine:
    """Return what is compared of a line that was calculated just now."""
    segment = dict(line.segment)
    counter = line.subject.id if line.subject.kind == "counter" else None
    child = line.account_id if line.account_id != account_id else None
    return BilledLine(
        line_type=line.line_type,
        subject=_subject(
            child,
            line.compound_aggregation_id or line.aggregation_id,
            counter,
            line.plan_group_id or line.plan_id,
            sorted(segment.items()),
        ),
        name=_name(line.calculation, line.description, list(segment.values())),
        account_plan=str(line.account_plan_id) if line.account_plan_id else None,
        plan_name=plan_names.get(line.plan_id, "") if line.plan_id else "",
        units=line.units,
        unit=line.unit,
        amount=line.converted_subtotal,
        starts_at=line.service_period.start,
        record=line.calculation,
    )


def _subject(
    child: UUID | None,
    measured: UUID | None,
    counter: UUID | None,
    plan: UUID | None,
    segment: Sequence[tuple[str, str]],
) -> tuple[str, ...]:
    """Return what is charged: something used, something held, or something of a plan."""
    what = measured or counter or plan
    return (str(child or ""), str(what or ""), repr(segment))


def _name(record: Facts, description: str, segment: Sequence[str]) -> str:
    thing = record.get("aggregation") or record.get("counter")
    name = thing["name"] if thing else description
    return f"{name} ({', '.join(segment)})" if segment else name
