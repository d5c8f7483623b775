"""Bills and line items over the API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from billing import representations as look
from billing.api import bill_serializers as shapes
from billing.api.bill_jobs import job_request
from billing.bills import lifecycle, line_reading, previewing, unpriced
from billing.models import Account, Bill, BillFrequency, BillStatus, LineItem, LineItemType
from catalog.models import Aggregation
from organizations.kernel import clock
from organizations.kernel.api import search
from organizations.kernel.api.filters import (
    Filter,
    apply,
    boolean,
    chosen,
    dated,
    day,
    flag,
    id_list,
    identifier,
    related,
)
from organizations.kernel.api.views import TenantViewSet
from organizations.kernel.errors import FieldRefused, NotFound
from organizations.models import Organization

Permits = dict[str, tuple[str | None, str | None]]
ADDITIONAL = {"additional": Filter(None, many=True)}
INVOICE_DATES = {
    "externalInvoiceDateStart": dated("external_invoice_date__gte"),
    "externalInvoiceDateEnd": dated("external_invoice_date__lt"),
}


class BillViewSet(TenantViewSet):
    """Bills: read, approve, lock, delete; they are made by bill jobs only."""

    queryset = Bill.objects.all()
    serializer_class = shapes.BillSerializer
    filters: ClassVar[dict[str, Filter]] = {
        "ids": id_list(),
        "accountId": related("account_id"),
        "locked": boolean("is_locked"),
        "status": chosen("status", BillStatus.values),
        "billDate": dated("bill_date"),
        "billDateStart": dated("bill_date__gte"),
        "billDateEnd": dated("bill_date__lt"),
        **INVOICE_DATES,
        "billJobId": related("bill_job_id"),
        "billingFrequency": chosen("billing_frequency", BillFrequency.values),
        "excludeLineItems": boolean(None),
        "includeBillTotal": boolean(None),
        **ADDITIONAL,
    }
    permits: ClassVar[Permits] = {
        "of_account": ("config:retrieve", None),
        "latest": ("config:retrieve", None),
        "of_period": ("config:retrieve", None),
        "preview": ("config:retrieve", None),
        "status": ("config:update", None),
        "lock": ("config:update", None),
        "approve_many": ("config:update", None),
        "approve_period": ("config:update", None),
    }
    page_actions = ("of_account", "of_period")
    search_fields: ClassVar[dict[str, search.Field]] = {
        "accountId": search.Field("account_id", identifier),
        "locked": search.Field("is_locked", flag),
        "billDate": search.Field("bill_date", day),
        "startDate": search.Field("start_date", day),
        "endDate": search.Field("end_date", day),
        "dueDate": search.Field("due_date", day),
        "billingFrequency": search.Field("billing_frequency"),
        **search.AUDIT,
    }
    action_filters: ClassVar[dict[str, dict[str, Filter]]] = {
        "of_account": ADDITIONAL,
        "of_period": ADDITIONAL,
        "latest": ADDITIONAL,
        "retrieve": ADDITIONAL,
        "preview": {"debug": boolean(None)},
        "approve_many": {**INVOICE_DATES, "accountIds": id_list("account_id")},
    }
    asked: dict[str, Any] = {}

    @property
    def organization(self) -> Organization:
        """The organization as a row."""
        return Organization.objects.get(pk=self.organization_id)

    # Reading ---------------------------------------------------------------------------------

    def narrow(self, rows: Any) -> Any:
        """``billingFrequency`` is only looked at together with ``billDate`` (FND-1)."""
        if "billingFrequency" in self.asked and "billDate" not in self.asked:
            raise FieldRefused("billingFrequency", "works only together with billDate")
        return rows

    def represent_many(self, rows: Sequence[Bill]) -> list[dict[str, Any]]:
        """Return the bills of a page; their lines are read with one query, if at all."""
        lines: dict[Any, list[dict[str, Any]]] = {row.pk: [] for row in rows}
        with_lines = not self.asked.get("excludeLineItems")
        if with_lines:
            # A line nobody may read does not show in its bill either (A5.13.11).
            found = line_reading.readable(self.rights, LineItem.objects.filter(bill__in=rows))
            for line in found.order_by("bill_id", "sequence_number"):
                lines[line.bill_id].append(look.bill_line_item(line))
        with_total = self.action != "list" or self.asked.get("includeBillTotal")
        return [
            {
                **look.bill(row),
                "billTotal": row.total if with_total else None,
                "lineItems": lines[row.pk],
            }
            for row in rows
        ]

    def represent(self, row: Bill) -> dict[str, Any]:
        """Return one bill with its lines."""
        return self.represent_many([row])[0]

    def of_account(self, request: Request, **kwargs: Any) -> Response:
        """All bills of an account, newest first."""
        return self.page(self.get_queryset().filter(account=self._account()))

    def latest(self, request: Request, **kwargs: Any) -> Response:
        """The newest bill of an account."""
        rows = self.get_queryset().filter(account=self._account())
        newest = rows.order_by("-bill_date", "-created_at", "-id").first()
        if newest is None:
            raise NotFound("This account has no bill.")
        return self.answer(newest)

    def _account(self) -> Account:
        rows = Account.objects.for_organization(self.organization_id)
        return self.find(rows, self.kwargs["account"])

    def of_period(self, request: Request, **kwargs: Any) -> Response:
        """All bills of one frequency whose period has the given last day."""
        mine = self.get_queryset()
        return self.page(lifecycle.in_period(self.organization, *self._period(), among=mine))

    def _period(self) -> tuple[date, str]:
        """Return the last day and the frequency the address names."""
        frequency = self.kwargs["frequency"]
        if frequency not in BillFrequency.values:
            raise FieldRefused(
                "billingFrequency", f"must be one of {', '.join(BillFrequency.values)}"
            )
        last_day = day("lastDateInBillingPeriod", self.kwargs["day"])
        if last_day == date.max:
            raise FieldRefused("lastDateInBillingPeriod", "has no day after it")
        return last_day, frequency

    @extend_schema(request=shapes.BillJobRequestSerializer)
    def preview(self, request: Request, **kwargs: Any) -> Response:
        """Calculate one account's bill and store nothing (JOB-12)."""
        self.rights.require("config:retrieve", line_reading.LINE)  # A5.12
        body = shapes.BillJobRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        filters = self.action_filters["preview"]
        _, asked = apply(self.get_queryset(), filters, request.query_params)
        previewed = previewing.preview(
            self.organization, job_request(body.validated_data), by=self.principal, at=clock.now()
        )
        return Response(
            {
                **look.bill(previewed.bill),
                "lineItems": [look.bill_line_item(line) for line in previewed.lines],
                **(self._debug(previewed) if asked.get("debug") else {}),
            }
        )

    def _debug(self, previewed: previewing.Preview) -> dict[str, Any]:
        """Say what is not charged for want of a price in force (SEG-3)."""
        rows = Aggregation.objects.for_organization(self.organization_id)
        seen = self.rights.visible(rows, "config:retrieve", "config:aggregation")
        return {
            "segmentsWithoutPrice": [
                {
                    "planId": str(one.plan_id),
                    "aggregationId": str(one.aggregation_id),
                    "segment": one.segment,
                }
                for one in unpriced.segments(previewed.plans, seen)
            ]
        }

    # Changing --------------------------------------------------------------------------------

    @extend_schema(request=shapes.StatusSerializer)
    def status(self, request: Request, **kwargs: Any) -> Response:
        """Approve a bill, or set it back to pending."""
        bill = self.get_object()
        body = shapes.StatusSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data["status"]
        return self.answer(lifecycle.set_status(bill, wanted, by=self.principal, at=clock.now()))

    @extend_schema(request=None)
    def lock(self, request: Request, **kwargs: Any) -> Response:
        """Lock an approved bill for ever."""
        return self.answer(lifecycle.lock(self.get_object(), by=self.principal, at=clock.now()))

    def destroy(self, request: Request, **kwargs: Any) -> Response:
        """Delete a bill that is not locked; answers it as it was."""
        bill = self.get_object()
        shown = self.shown(bill)
        lifecycle.delete(bill, by=self.principal)
        return Response(shown)

    @extend_schema(request=shapes.ApproveSerializer, responses=shapes.ApprovalSerializer)
    def approve_many(self, request: Request, **kwargs: Any) -> Response:
        """Approve bills by id, or pending ones by the filters of the query (LIF-3)."""
        body = shapes.ApproveSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        _, asked = apply(
            self.get_queryset(), self.action_filters["approve_many"], request.query_params
        )
        count = lifecycle.approve_many(
            self.organization,
            among=self.get_queryset(),
            by=self.principal,
            at=clock.now(),
            bill_ids=body.validated_data.get("billIds"),
            account_ids=_named_accounts(request, asked),
            external_invoice_date_start=asked.get("externalInvoiceDateStart"),
            external_invoice_date_end=asked.get("externalInvoiceDateEnd"),
        )
        return _approved(count)

    @extend_schema(request=None, responses=shapes.ApprovalSerializer)
    def approve_period(self, request: Request, **kwargs: Any) -> Response:
        """Approve every pending bill of one period."""
        last_day, frequency = self._period()
        count = lifecycle.approve_period(
            self.organization,
            among=self.get_queryset(),
            latest_date_in_billing_period=last_day,
            billing_frequency=frequency,
            by=self.principal,
            at=clock.now(),
        )
        return _approved(count)


def _named_accounts(request: Request, asked: dict[str, Any]) -> Sequence[Any]:
    """Return the accounts whose bills are meant; a list without any never means all (JOB-19)."""
    if "accountIds" in request.query_params and "accountIds" not in asked:
        raise FieldRefused("accountIds", "names no account; leave it out, or name some")
    found: Sequence[Any] = asked.get("accountIds", ())
    return found


def _approved(count: int) -> Response:
    return Response({"message": f"{count} {'bill' if count == 1 else 'bills'} approved."})


class LineItemViewSet(TenantViewSet):
    """Line items of one bill (by sequence), or across bills (newest first)."""

    queryset = LineItem.objects.all()
    serializer_class = shapes.LineItemSerializer
    filters: ClassVar[dict[str, Filter]] = {
        "billId": related("bill_id"),
        "lineItemType": chosen("line_item_type", LineItemType.values),
        "commitmentId": related("commitment_id"),
        **ADDITIONAL,
    }
    permits: ClassVar[Permits] = {"of_bill": ("config:retrieve", None)}
    within: ClassVar[dict[str, str]] = {"bill": "billing:bill"}
    page_actions = ("of_bill",)
    action_filters: ClassVar[dict[str, dict[str, Filter]]] = {
        "of_bill": ADDITIONAL,
        "retrieve": ADDITIONAL,
    }

    def get_queryset(self) -> Any:
        """Narrow to the bill of the address, when it names one."""
        rows = super().get_queryset()
        if "bill" in self.kwargs:
            bills = Bill.objects.for_organization(self.organization_id)
            return rows.filter(bill=self.find(bills, self.kwargs["bill"]))
        return self._of_bills_not_denied(rows)

    def _of_bills_not_denied(self, rows: Any) -> Any:
        """Leave out the lines of bills that are denied: they are the bill (A5.13.11)."""
        asked = ("config:retrieve", "billing:bill")
        if not self.rights.denies_some(*asked):
            return rows
        bills = Bill.objects.for_organization(self.organization_id)
        return rows.filter(bill__in=self.rights.not_denied(bills, *asked))

    def of_bill(self, request: Request, **kwargs: Any) -> Response:
        """The lines of one bill in the order of the bill."""
        self.page_order = ("sequence_number", "id")
        return self.page(self.get_queryset())
