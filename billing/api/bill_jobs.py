"""Bill jobs over the API."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from billing.api.bill_serializers import (
    BillJobRequestSerializer,
    BillJobSerializer,
    ParkedAccountSerializer,
    RecalculateSerializer,
)
from billing.bills import foreseen, job_requests, parked_accounts, runs
from billing.models import Bill, BillJob, BillJobStatus
from organizations.kernel import clock
from organizations.kernel.api.filters import Filter, boolean, chosen
from organizations.kernel.api.views import TenantViewSet
from organizations.kernel.errors import Forbidden
from organizations.kernel.periods import local_date, parse_timezone
from organizations.models import Organization, OrganizationConfig

Permits = dict[str, tuple[str | None, str | None]]
# The wire's name of each field of a request, and ours.
REQUEST_FIELDS = {
    "lastDateInBillingPeriod": "latest_date_in_billing_period",
    "billingFrequency": "billing_frequency",
    "billFrequencyInterval": "bill_frequency_interval",
    "accountIds": "account_ids",
    "billDate": "bill_date",
    "dueDate": "due_date",
    "externalInvoiceDate": "external_invoice_date",
    "targetCurrency": "target_currency",
    "currencyConversions": "currency_conversions",
    "timezone": "timezone",
    "dayEpoch": "day_epoch",
    "weekEpoch": "week_epoch",
    "monthEpoch": "month_epoch",
    "yearEpoch": "year_epoch",
}


def job_request(values: dict[str, Any]) -> job_requests.JobRequest:
    """Return the domain's request for a checked body; nulls and empty texts mean not given."""
    given = {
        ours: values[wire]
        for wire, ours in REQUEST_FIELDS.items()
        if values.get(wire) not in (None, "")
    }
    return job_requests.JobRequest(**given)


class BillJobViewSet(TenantViewSet):
    """Runs that make or recalculate bills."""

    queryset = BillJob.objects.all()
    serializer_class = BillJobSerializer
    filters: ClassVar[dict[str, Filter]] = {
        "active": boolean(None),
        "status": chosen("status", BillJobStatus.values),
    }
    permits: ClassVar[Permits] = {
        "recalculate": ("config:create", None),
        "cancel": ("config:update", None),
        "retry": ("config:update", None),
        "parked": ("config:retrieve", None),
    }
    page_actions = ("parked",)

    @property
    def organization(self) -> Organization:
        """The organization as a row."""
        return Organization.objects.get(pk=self.organization_id)

    def narrow(self, rows: Any) -> Any:
        """``active`` leaves out what is complete or cancelled, or everything else (JOB-2)."""
        active = self.asked.get("active")
        if active is None:
            return rows
        return (
            rows.filter(status__in=runs.ACTIVE) if active else rows.exclude(status__in=runs.ACTIVE)
        )

    @extend_schema(request=BillJobRequestSerializer)
    def create(self, request: Request, **kwargs: Any) -> Response:
        """Start a run."""
        body = BillJobRequestSerializer(data=request.data, context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        at = clock.now()
        job = runs.start(
            self.organization, job_request(body.validated_data), by=self.principal, at=at
        )
        answer = self.answer(job)
        if warnings := _unfinished(job, at):
            answer.data["warnings"] = warnings
        return answer

    @extend_schema(request=RecalculateSerializer)
    def recalculate(self, request: Request, **kwargs: Any) -> Response:
        """Start a job that calculates the given bills again."""
        body = RecalculateSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        self._require_update(body.validated_data["billIds"])
        return self.answer(
            runs.recalculate(
                self.organization,
                body.validated_data["billIds"],
                by=self.principal,
                at=clock.now(),
            )
        )

    def _require_update(self, bill_ids: list[Any]) -> None:
        """Refuse to calculate bills again that the caller may not update (A5.12)."""
        update = ("config:update", "billing:bill")
        self.rights.require_some(*update)
        named = Bill.objects.for_organization(self.organization_id).filter(pk__in=bill_ids)
        if self.rights.visible(named, *update).count() != named.count():
            raise Forbidden

    @extend_schema(request=None)
    def cancel(self, request: Request, **kwargs: Any) -> Response:
        """Stop further accounts; bills already written stay (JOB-11)."""
        return self.answer(runs.cancel(self.get_object(), by=self.principal))

    @extend_schema(request=None)
    def retry(self, request: Request, **kwargs: Any) -> Response:
        """Bill the parked accounts of a finished job again."""
        return self.answer(runs.retry(self.get_object(), by=self.principal))

    @extend_schema(responses=ParkedAccountSerializer)
    def parked(self, request: Request, **kwargs: Any) -> Response:
        """Return a page of the accounts that could not be billed, newest first, and why."""
        self.page_order = ("-id",)  # of rows of accounts, which have no time of their making
        rows = parked_accounts.of(self.get_object())
        page = self.paginator.paginate_queryset(rows, request, view=self)
        return self.paginator.get_paginated_response(parked_accounts.represent(self.rights, page))


def _unfinished(job: BillJob, at: datetime) -> list[str]:
    """Say of each period of a run that it is not over, so that nobody bills it by mistake."""
    config = OrganizationConfig.objects.get(organization_id=job.organization_id)
    found = foreseen.foresee(
        config,
        job.latest_date_in_billing_period or local_date(at, parse_timezone(config.timezone)),
        at=at,
        frequency=job.billing_frequency,
        account_ids=job.account_ids or None,
    )
    return [
        f"The {one.frequency.value.lower()} period from {one.first_day} to {one.last_day} is not "
        "over: its bills show what was used up to now, and have to be calculated again."
        for one in found
        if not one.is_over
    ]
