"""Which accounts and locked bills a price was billed to, for those who are about to change it."""

from typing import Any

from django.db.models import Exists, OuterRef, Q

from billing.models import Account, AccountPlan, Bill, LineItem
from catalog import price_use
from catalog.price_use import Use

MOST_NAMED = 5


def billed(price: Any) -> Use:
    """Return the use of a price, found from the accounts that ever were on its plans."""
    own = Q(plan=price.plan_id) if price.plan_id else Q(plan__plan_template=price.plan_template_id)
    plan = Q(plan_group__links__plan=price.plan_id) if price.plan_id else Q(
        plan_group__links__plan__plan_template=price.plan_template_id
    )  # fmt: skip
    accounts = AccountPlan.objects.for_organization(price.organization_id).filter(own | plan)
    lines = LineItem.objects.filter(bill=OuterRef("pk"), pricing_id=price.pk)
    on_plan = accounts.values("account")
    # A parent's bill carries the lines of its children.
    parents = Account.objects.filter(children__in=on_plan).values("pk")
    bills = Bill.objects.for_organization(price.organization_id).filter(
        Q(account__in=on_plan) | Q(account__in=parents), Exists(lines)
    )
    locked = bills.filter(is_locked=True)
    named = locked.select_related("account").order_by("-bill_date", "-pk")[:MOST_NAMED]
    return Use(
        accounts=bills.values("account").distinct().count(),
        locked_count=locked.count(),
        locked=tuple(
            (bill.pk, f"{bill.account.name}, {bill.start_date} to {bill.end_date}")
            for bill in named
        ),
    )


def register() -> None:
    """Let the catalogue know."""
    price_use.register(billed)
