"""What arrived lately of a meter: its newest measurements, by account and time (C3)."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from billing.admin import usage_csv
from billing.models import Account, MeasurementUpload
from billing.usage.queries import checking, running
from billing.usage.queries.shape import UsageQuery
from catalog.admin import sending
from catalog.models import Meter
from organizations.access import Rights
from organizations.kernel import clock
from organizations.kernel.console import choices, linking, show
from organizations.kernel.console.fields import plain_text
from organizations.kernel.errors import DomainError

MOST = 100
PERIODS = (("1", "Last day"), ("7", "Last 7 days"), ("30", "Last 30 days"), ("365", "Last year"))
FIRST = "30"
AHEAD = timedelta(days=1)  # clocks of senders


def about(request: HttpRequest, meter: Meter) -> dict[str, Any]:
    """Return what the page of a meter shows of accounts and usage to this person."""
    rights = Rights(request.principal)
    accounts = linking.seen(request, Account.objects.for_organization(request.organization))
    account = accounts.newest_first().first()
    csv = usage_csv.address(request)
    return {
        "account": account.code if account is not None else "",
        "csv_url": f"{csv}?meter={meter.pk}" if csv else "",
        "uploads_url": linking.to_list(request, MeasurementUpload),
        "arrived_url": _address(meter) if checking.may_ask(rights) else "",
    }


def _address(meter: Meter) -> str:
    return reverse("admin:meter_arrived", args=[meter.pk])


def view(page: Any, request: HttpRequest, meter_id: UUID) -> HttpResponse:
    """Show the newest measurements; with ``part`` only the first rows of them, for other pages."""
    rights = Rights(request.principal)
    if not checking.may_ask(rights):
        raise PermissionDenied
    meters = linking.seen(request, Meter.objects.for_organization(request.organization))
    meter = meters.filter(pk=meter_id).first()
    if meter is None:
        raise Http404
    days = request.GET.get("days", FIRST)
    days = days if days in dict(PERIODS) else FIRST
    part = request.GET.get("part", "")
    limit = min(int(part), MOST) if part.isascii() and part.isdigit() and len(part) < 4 else MOST
    account = request.GET.get("account", "").strip().replace("\0", "")
    found = _found(request, rights, meter, account, int(days), max(limit, 1))
    if part:
        return TemplateResponse(request, "console/meter_arrived_rows.html", found)
    context = {
        **page.admin_site.each_context(request),
        "title": "Recent measurements",
        "opts": page.opts,
        "meter": meter,
        "back": show.address(meter),
        "account": account,
        "days": days,
        "choices": PERIODS,
        **found,
    }
    return TemplateResponse(request, "console/meter_arrived.html", context)


def _found(
    request: HttpRequest, rights: Rights, meter: Meter, account: str, days: int, limit: int
) -> dict[str, Any]:
    account_ids: tuple[UUID, ...] = ()
    organization_id = request.organization.pk
    if account:
        rows = Account.objects.for_organization(organization_id).filter(code=account)
        account_ids = tuple(linking.seen(request, rows).values_list("pk", flat=True))
        if not account_ids:
            return {"refusal": f"There is no account with the code {account}."}
    now = clock.now()
    query = UsageQuery(
        start_at=now - timedelta(days=days),
        end_at=now + AHEAD,
        meter_ids=(meter.pk,),
        account_ids=account_ids,
        limit=limit,
    )
    try:
        answer = running.run(organization_id, query, rights=rights)
    except DomainError as refusal:
        return {"refusal": refusal.message}
    names = list(answer.columns[len(running.OF_A_MEASUREMENT) :])
    zone = choices.zone(request)
    return {
        "names": names,
        "has_more": answer.has_more,
        "rows": [
            {
                "ts": show.zoned(row["timestamp"], zone),
                "received": show.zoned(row["receivedAt"], zone),
                "account": row["accountCode"] or "deleted account",
                "uid": row["uid"],
                "values": [_text(row.get(name)) for name in names],
            }
            for row in answer.rows()
        ],
    }


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else plain_text(value) or ""


def register() -> None:
    """Have the page of a meter show it."""
    sending.register(about)
