"""Rehearsals over the API: bill runs that write no bill. Addresses of our own."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.api.bill_jobs import job_request
from billing.api.bill_serializers import BillJobRequestSerializer
from billing.models import Rehearsal, RehearsalStatus, RehearsedKind, RehearsedWhy
from billing.rehearsing import reading, rehearsals
from organizations.api.serializers import AuditedSerializer
from organizations.kernel.api import fields
from organizations.kernel.api.filters import Filter, apply, chosen
from organizations.kernel.api.views import TenantViewSet, routes
from organizations.models import Organization

CSV = "text/csv"
KINDS = [kind for kind in RehearsedKind.values if kind != RehearsedKind.PENDING]


class RehearsalSerializer(AuditedSerializer):
    """A rehearsal: for which day, how many accounts, and whether it is complete."""

    status = serializers.ChoiceField(choices=RehearsalStatus.choices)
    lastDateInBillingPeriod = serializers.DateField(allow_null=True)
    billingFrequency = serializers.CharField(allow_null=True)
    accountIds = serializers.ListField(child=fields.IdField())
    total = fields.WholeField()
    dtFinished = fields.InstantField(allow_null=True)


class RehearsedSentenceSerializer(serializers.Serializer):
    """One reason, and by how much it moves the total."""

    sentence = serializers.CharField()
    amount = fields.DecimalField()


class RehearsedAccountSerializer(serializers.Serializer):
    """What a run would make of one account in one currency, against what there is."""

    id = fields.IdField()
    accountId = fields.IdField()
    accountCode = serializers.CharField()
    accountName = serializers.CharField()
    kind = serializers.ChoiceField(choices=KINDS)
    comparedWith = serializers.ChoiceField(choices=["STORED", "PREVIOUS"], allow_null=True)
    currency = serializers.CharField(allow_null=True)
    before = fields.DecimalField()
    after = fields.DecimalField()
    difference = fields.DecimalField()
    why = serializers.ChoiceField(choices=RehearsedWhy.values[1:], allow_null=True)
    sentences = RehearsedSentenceSerializer(many=True)
    reason = serializers.CharField(allow_null=True)


class RehearsalViewSet(TenantViewSet):
    """Start a rehearsal and read what a run would change."""

    queryset = Rehearsal.objects.all()
    serializer_class = RehearsalSerializer
    filters: ClassVar[dict[str, Filter]] = {"status": chosen("status", RehearsalStatus.values)}
    action_filters: ClassVar[dict[str, dict[str, Filter]]] = {
        "accounts": {"kind": chosen("kind", KINDS)},
        "csv": {"kind": chosen("kind", KINDS)},
    }
    permits: ClassVar[dict[str, tuple[str | None, str | None]]] = {
        "accounts": ("config:retrieve", None),
        "csv": ("config:retrieve", None),
    }
    page_actions = ("accounts",)

    @extend_schema(request=BillJobRequestSerializer, responses=RehearsalSerializer)
    def create(self, request: Request, **kwargs: Any) -> Response:
        """Start a rehearsal of the run that the same body would start; nothing is billed."""
        body = BillJobRequestSerializer(data=request.data, context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        organization = Organization.objects.get(pk=self.organization_id)
        asked = job_request(body.validated_data)
        return self.answer(rehearsals.start(organization, asked, by=self.principal))

    @extend_schema(responses=RehearsedAccountSerializer)
    def accounts(self, request: Request, **kwargs: Any) -> Response:
        """Return a page of accounts, by currency, the most money first."""
        self.page_order = reading.ORDER
        page = self.paginator.paginate_queryset(self._rows(request), request, view=self)
        return self.paginator.get_paginated_response([reading.represent(row) for row in page])

    @extend_schema(responses={(200, CSV): OpenApiTypes.STR})
    def csv(self, request: Request, **kwargs: Any) -> StreamingHttpResponse:
        """Return the same accounts as CSV, all of them."""
        response = StreamingHttpResponse(reading.csv(self._rows(request)), content_type=CSV)
        response["Content-Disposition"] = 'attachment; filename="rehearsal.csv"'
        response["Cache-Control"] = "private, no-store"
        return response

    def _rows(self, request: Request) -> Any:
        rows = reading.readable(self.rights, self.get_object())
        found, _ = apply(rows, self.action_filters[self.action], request.query_params)
        return found


urlpatterns = routes(
    "billjobs/rehearsals",
    RehearsalViewSet,
    collection={"get": "list", "post": "create"},
    item={"get": "retrieve"},
    more={
        "<str:id>/accounts": {"get": "accounts"},
        "<str:id>/accounts/csv": {"get": "csv"},
    },
)
