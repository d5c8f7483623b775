"""What an account's page shows above its form: usage, plans, latest bills, family."""

from datetime import timedelta, tzinfo
from typing import Any

from django.http import HttpRequest

from billing.admin import (
    account_agreements,
    counters,
    family,
    late_arrived,
    run_billing,
    usage_chart,
)
from billing.bills import periods_over
from billing.models import Account, AccountPlan, Bill
from catalog.models import Meter, Plan, PlanGroup
from organizations.kernel import clock
from organizations.kernel.console import choices, linking, show

LATEST_BILLS = 8


def of(request: HttpRequest, account: Account) -> dict[str, Any]:
    """Return the overview of what one may read; a fixed number of queries."""
    meters = Meter.objects.for_organization(account.organization_id)
    readable = request.permissions.visible(meters, "config:retrieve", "config:meter")
    return {
        "charts": usage_chart.of_account(account, among=readable),
        "plans": _plans(request, account, choices.zone(request)),
        "bills": _bills(request, account),
        "counters": counters.of_account(request, account),
        "late": late_arrived.about(request, account=account),
        "agreements": account_agreements.of(request, account),
        "family": family.of(request, account),
        "attach_url": linking.to_form(request, AccountPlan, account=account.pk),
        "run_billing_url": run_billing.address(request, account),
        "bills_url": linking.to_list(request, Bill, account__id__exact=account.pk),
    }


def _plans(request: HttpRequest, account: Account, zone: tzinfo) -> list[dict[str, Any]] | None:
    if not linking.to_list(request, AccountPlan):
        return None
    rows = linking.seen(request, account.account_plans.all()).order_by("-start_date", "-pk")
    attached = list(rows.select_related("plan__plan_template__product", "plan_group"))
    plan_urls = linking.to_rows(request, Plan, [row.plan_id for row in attached])
    plan_urls |= linking.to_rows(request, PlanGroup, [row.plan_group_id for row in attached])
    return [
        {
            "plan": row.plan or row.plan_group,
            "plan_url": plan_urls.get(row.plan_id or row.plan_group_id, ""),
            "below": row.plan.plan_template.product.name if row.plan else "plan group",
            "start": show.day(row.start_date, zone),
            "end": show.day(row.end_date, zone),
            "state": state_of(row),
            "url": show.address(row),
        }
        for row in attached
    ]


def state_of(row: AccountPlan) -> tuple[str, str]:
    """Return a word for whether the plan applies now, and the colour of its label."""
    now = clock.now()
    if row.end_date is not None and row.end_date <= now:
        return "past", "plain"
    return ("pending", "warn") if row.start_date > now else ("active", "good")


def _bills(request: HttpRequest, account: Account) -> list[dict[str, Any]] | None:
    if not linking.to_list(request, Bill):
        return None
    rows = linking.seen(request, account.bills.all()).order_by("-bill_date", "-pk")
    return [
        {
            "period": period(bill),
            "total": show.money(bill.total, bill.currency),
            "status": bill_state(bill),
            "url": show.address(bill),
        }
        for bill in rows[:LATEST_BILLS]
    ]


def period(bill: Bill) -> str:
    """Return the first and the last day of a bill: so a period is told on every page."""
    return f"{show.day(bill.start_date)} – {show.day(bill.end_date - timedelta(days=1))}"


def period_so_far(bill: Bill) -> str:
    """Return the period; of a bill that was made before its end, with the words "so far"."""
    return f"{period(bill)}, so far" if periods_over.is_so_far(bill) else period(bill)


def bill_state(bill: Bill) -> tuple[str, str]:
    """Return a word for the state of a bill, and the colour of its label."""
    if bill.is_locked:
        return "locked", "good"
    return ("approved", "busy") if bill.status == "APPROVED" else ("pending", "warn")
