"""What an account's page shows above its form: usage, plans, latest bills, children."""

from datetime import tzinfo
from typing import Any

from django.http import HttpRequest

from billing.admin import usage_chart
from billing.models import Account, AccountPlan, Bill
from catalog.models import Meter
from organizations.kernel import clock
from organizations.kernel.console import choices, show

LATEST_BILLS = 8
MOST_CHILDREN = 20


def of(request: HttpRequest, account: Account) -> dict[str, Any]:
    """Return the overview, with usage of meters one may read; a fixed number of queries."""
    meters = Meter.objects.for_organization(account.organization_id)
    readable = request.permissions.visible(meters, "config:retrieve", "config:meter")
    return {
        "charts": usage_chart.of_account(account, among=readable),
        "plans": _plans(account, choices.zone(request)),
        "bills": _bills(account),
        "children": [
            {"name": child.name, "code": child.code, "url": show.address(child)}
            for child in account.children.order_by("name", "pk")[:MOST_CHILDREN]
        ],
        "attach_url": f"{show.list_address(AccountPlan, 'add')}?account={account.pk}",
        "bills_url": f"{show.list_address(Bill)}?q={account.code}",
    }


def _plans(account: Account, zone: tzinfo) -> list[dict[str, Any]]:
    rows = account.account_plans.select_related("plan__plan_template__product")
    return [
        {
            "plan": row.plan,
            "plan_url": show.address(row.plan),
            "product": row.plan.plan_template.product,
            "start": show.day(row.start_date, zone),
            "end": show.day(row.end_date, zone),
            "state": state_of(row),
            "url": show.address(row),
        }
        for row in rows.order_by("-start_date", "-pk")
    ]


def state_of(row: AccountPlan) -> tuple[str, str]:
    """Return a word for whether the plan applies now, and the colour of its label."""
    now = clock.now()
    if row.end_date is not None and row.end_date <= now:
        return "past", "plain"
    return ("pending", "warn") if row.start_date > now else ("active", "good")


def _bills(account: Account) -> list[dict[str, Any]]:
    return [
        {
            "period": f"{show.day(bill.start_date)} – {show.day(bill.end_date)}",
            "total": show.money(bill.total, bill.currency),
            "status": bill_state(bill),
            "url": show.address(bill),
        }
        for bill in account.bills.order_by("-bill_date", "-pk")[:LATEST_BILLS]
    ]


def bill_state(bill: Bill) -> tuple[str, str]:
    """Return a word for the state of a bill, and the colour of its label."""
    if bill.is_locked:
        return "locked", "good"
    return ("approved", "busy") if bill.status == "APPROVED" else ("pending", "warn")
