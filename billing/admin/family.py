"""A family on the page of an account: who is in it, and who pays for whom (PAR-4)."""

from collections import defaultdict
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest

from billing.models import Account, AccountPlan, ChildBillingMode
from organizations.kernel import clock
from organizations.kernel.console import linking, show

MOST_CHILDREN = 20
OF_CHILD = {
    ChildBillingMode.CHILD: "on its own bill",
    ChildBillingMode.PARENT_BREAKDOWN: "on the parent's bill, under its own name",
    ChildBillingMode.PARENT_SUMMARY: "on the parent's bill, merged with the other children's",
}
OF_PARENT = {
    ChildBillingMode.CHILD: "rated with the whole family, each child billed its share",
    ChildBillingMode.PARENT_BREAKDOWN: "rated with the whole family, a line for each account",
    ChildBillingMode.PARENT_SUMMARY: "rated with the whole family, as one line",
}


def of(request: HttpRequest, account: Account) -> dict[str, Any] | None:
    """Return what one may read of the family an account is in; None for one without."""
    head = account.parent_account or account
    children = linking.seen(request, head.children.all()).order_by("code", "pk")
    shown = list(children[:MOST_CHILDREN])
    if not shown and account.parent_account_id is None:
        return None
    is_head_seen = linking.seen(request, Account.objects.filter(pk=head.pk)).exists()
    members = [*([head] if is_head_seen else []), *shown]
    plans = _plans(request, [member.pk for member in members])
    return {
        "rows": [
            {
                "name": member.name,
                "code": member.code,
                "url": show.address(member),
                "is_parent": member.pk == head.pk,
                "is_here": member.pk == account.pk,
                "plans": _told(plans[member.pk], OF_PARENT if member.pk == head.pk else OF_CHILD),
            }
            for member in members
        ],
        "more": max(0, children.count() - MOST_CHILDREN),
    }


def _plans(request: HttpRequest, account_ids: list[UUID]) -> dict[UUID, list[AccountPlan]]:
    """Return the plans in force today, of those one may read."""
    now = clock.now()
    rows = linking.seen(request, AccountPlan.objects.filter(account_id__in=account_ids))
    found: dict[UUID, list[AccountPlan]] = defaultdict(list)
    in_force = rows.filter(Q(end_date__isnull=True) | Q(end_date__gt=now), start_date__lte=now)
    for row in in_force.select_related("plan", "plan_group").order_by("start_date", "pk"):
        found[row.account_id].append(row)
    return found


def _told(rows: list[AccountPlan], words: dict[ChildBillingMode, str]) -> list[str]:
    return [
        f"{(row.plan or row.plan_group).name}: {words[ChildBillingMode(row.child_billing_mode)]}"
        for row in rows
    ]
