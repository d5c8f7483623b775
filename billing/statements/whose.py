"""Whose usage a line of a bill is: one account's, or a family's (PAR-2, PAR-4)."""

from datetime import datetime
from uuid import UUID

from django.db.models import F, Q

from billing.models import Account, AccountPlan, Bill, LineItem
from billing.rating import families


class Whose:
    """Tells the accounts of lines; reads the family of the bill's account once."""

    def __init__(self, bill: Bill) -> None:
        self._bill = bill
        self._children: dict[str, UUID] | None = None

    def accounts(self, line: LineItem) -> tuple[UUID, ...]:
        """Return the accounts whose usage the line charges."""
        own = self._bill.account_id
        if line.child_account_id:
            return (line.child_account_id,)
        facts = line.calculation or {}
        if facts.get("kind") == families.SHARE or not self._of_family():
            return (own,)
        if facts.get("kind") == families.SUM:
            children = self._of_family()
            codes = [part["account"] for part in facts["parts"]]
            return tuple(children[code] for code in codes if code in children)
        return (own, *self._pooled(line))

    def _of_family(self) -> dict[str, UUID]:
        if self._children is None:
            rows = Account.objects.filter(parent_account_id=self._bill.account_id)
            self._children = dict(rows.order_by("code").values_list("code", "pk"))
        return self._children

    def _pooled(self, line: LineItem) -> list[UUID]:
        """Return the children without a plan of their own for the product at the time."""
        apart = set(
            AccountPlan.objects.filter(
                _in_force(line.service_period_start, line.service_period_end),
                Q(product_id=line.product_id)
                | Q(plan_group__links__plan__plan_template__product_id=line.product_id),
                account__parent_account_id=self._bill.account_id,
            )
            .annotate(child=F("account_id"))
            .values_list("child", flat=True)
        )
        return [pk for pk in self._of_family().values() if pk not in apart]


def _in_force(start: datetime, end: datetime | None) -> Q:
    later = Q(end_date__isnull=True) | Q(end_date__gt=start)
    return later if end is None else later & Q(start_date__lt=end)
