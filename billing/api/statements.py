"""Statement definitions, statement jobs, and the statements of a bill over the API."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.models import (
    AggregationFrequency,
    Bill,
    LineItem,
    StatementDefinition,
    StatementJob,
    StatementJobStatus,
)
from billing.statements import jobs, single_lines, visible
from organizations.kernel import file_addresses
from organizations.kernel.api import fields
from organizations.kernel.api.filters import Filter, chosen, identifier, word
from organizations.kernel.api.serializers import TenantSerializer
from organizations.kernel.api.views import TenantViewSet, routes
from organizations.kernel.errors import DomainError, FieldRefused, NotFound
from organizations.models import StoredFile

Permits = dict[str, tuple[str | None, str | None]]
AGGREGATIONS = ["SUM", "MIN", "MAX", "COUNT", "LATEST", "MEAN", "UNIQUE", "CUSTOM_SQL"]


class DimensionSerializer(serializers.Serializer):
    """A field by whose values usage is told apart; ``*`` is every value."""

    meterId = fields.IdField(required=False, allow_null=True)
    name = fields.TextField(min_length=1, max_length=80)
    filter = serializers.ListField(
        child=fields.TextField(min_length=1, max_length=200), min_length=1, max_length=200
    )
    attributes = serializers.ListField(
        child=fields.TextField(max_length=200), required=False, max_length=100
    )

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Keep ids as the text they are stored as."""
        return _texts(super().to_internal_value(data))


class MeasureSerializer(serializers.Serializer):
    """Fields whose values are shown beside the quantity; without a name all of the meter."""

    meterId = fields.IdField(required=False, allow_null=True)
    name = fields.TextField(required=False, allow_blank=True, allow_null=True, max_length=80)
    aggregations = serializers.ListField(
        child=fields.ChoiceField(choices=AGGREGATIONS), required=False, max_length=7
    )

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Keep ids as the text they are stored as."""
        return _texts(super().to_internal_value(data))


def _texts(values: dict[str, Any]) -> dict[str, Any]:
    if values.get("meterId") is not None:
        values["meterId"] = str(values["meterId"])
    return dict(values)


class StatementDefinitionSerializer(TenantSerializer):
    """A statement definition."""

    aggregation_frequency = fields.ChoiceField(choices=AggregationFrequency.choices)
    # Not many=True: with it null would be allowed inside the list too.
    dimensions = serializers.ListField(child=DimensionSerializer(), required=False, max_length=10)
    measures = serializers.ListField(child=MeasureSerializer(), required=False, max_length=20)

    class Meta:
        model = StatementDefinition
        fields = [
            "name", "aggregation_frequency", "include_price_per_unit", "dimensions", "measures",
            "generate_slim_statements",
        ]  # fmt: skip


class StatementDefinitionViewSet(TenantViewSet):
    """Statement definitions."""

    queryset = StatementDefinition.objects.all()
    serializer_class = StatementDefinitionSerializer
    filters: ClassVar[dict[str, Filter]] = {}


class JobFiltersSerializer(serializers.Serializer):
    """Narrows a statement to the usage of some meters."""

    meterIds = serializers.ListField(
        child=fields.IdField(), required=False, allow_null=True, max_length=10
    )


class StatementJobRequestSerializer(serializers.Serializer):
    """The bill whose statement shall be written."""

    billId = fields.IdField()
    includeCsvFormat = serializers.BooleanField(required=False, default=False)
    filters = JobFiltersSerializer(required=False, allow_null=True)
    # The contract's, of no effect on what is only ever made.
    version = fields.WholeField(required=False, allow_null=True, min_value=0)


class StatementBatchRequestSerializer(serializers.Serializer):
    """Several bills, at most ten."""

    billIds = serializers.ListField(child=fields.IdField(), min_length=1, max_length=10)
    includeCsvFormat = serializers.BooleanField(required=False, default=False)
    filters = JobFiltersSerializer(required=False, allow_null=True)
    # The contract's, of no effect on what is only ever made.
    version = fields.WholeField(required=False, allow_null=True, min_value=0)


class StatementJobSerializer(TenantSerializer):
    """A statement job; the addresses are there once it is complete, valid for five minutes."""

    class Meta:
        model = StatementJob
        fields = ["include_csv_format"]

    def get_fields(self) -> dict[str, serializers.Field]:
        """Add what the job is about and what came of it."""
        words = {name: serializers.CharField(allow_null=True) for name in (
            "presignedJsonStatementUrl", "jsonStatementStatus", "presignedCsvStatementUrl",
            "csvStatementStatus",
        )}  # fmt: skip
        return {
            **super().get_fields(),
            "statementJobStatus": serializers.ChoiceField(choices=StatementJobStatus.choices),
            "billId": fields.IdField(),
            "orgId": fields.IdField(),
            "filters": JobFiltersSerializer(),
            **words,
        }


class DownloadSerializer(serializers.Serializer):
    """Where the file can be read for five minutes, without a token."""

    downloadUrl = serializers.CharField()


class StatementJobViewSet(TenantViewSet):
    """Statement jobs."""

    queryset = StatementJob.objects.select_related("bill", "definition", "json_file", "csv_file")
    serializer_class = StatementJobSerializer
    filters: ClassVar[dict[str, Filter]] = {
        "active": Filter(None, word),
        "status": chosen("status", StatementJobStatus.values),
        "billId": Filter("bill_id", identifier),
    }
    permits: ClassVar[Permits] = {
        "batch": ("config:create", None),
        "cancel": ("config:update", None),
    }

    def narrow(self, rows: Any) -> Any:
        """One filter at a time; ``active`` leaves out what is over (STM-4)."""
        named = [name for name in ("active", "status", "billId") if name in self.asked]
        if len(named) > 1:
            raise FieldRefused(named[1], f"cannot be combined with {named[0]}: name one of them")
        active = str(self.asked.get("active", "false")).lower()
        if active not in ("true", "false"):
            raise FieldRefused("active", "must be TRUE or FALSE")
        return rows.filter(status__in=jobs.ACTIVE) if active == "true" else rows

    @extend_schema(request=StatementJobRequestSerializer)
    def create(self, request: Request, **kwargs: Any) -> Response:
        """Start the statement of a bill."""
        body = StatementJobRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        return self.answer(self._start("billId", [asked["billId"]], asked)[0])

    @extend_schema(
        request=StatementBatchRequestSerializer,
        responses={200: {"type": "array", "items": {"$ref": "#/components/schemas/StatementJob"}}},
    )
    def batch(self, request: Request, **kwargs: Any) -> Response:
        """Start the statements of several bills, each a job of its own."""
        body = StatementBatchRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        started = self._start("billIds", asked["billIds"], asked)
        return Response([self.shown(job) for job in started])

    def _start(self, field: str, named: list[Any], asked: dict[str, Any]) -> list[StatementJob]:
        wanted = list(dict.fromkeys(named))
        bills = self.readable(Bill.objects.for_organization(self.organization_id)).in_bulk(wanted)
        if missing := [str(one) for one in wanted if one not in bills]:
            raise FieldRefused(field, f"there is no bill {', '.join(missing)}")
        return jobs.start(
            [bills[one] for one in wanted],
            by=self.principal,
            include_csv=asked["includeCsvFormat"],
            meter_ids=(asked.get("filters") or {}).get("meterIds") or (),
        )

    @extend_schema(request=None)
    def cancel(self, request: Request, **kwargs: Any) -> Response:
        """Stop a job that is not over."""
        return self.answer(jobs.cancel(self.get_object(), by=self.principal))

    def represent_many(self, rows: Any) -> list[dict[str, Any]]:
        """Add the addresses of the files, for whoever may read the bill and all its lines."""
        bills = {row.bill_id: row.bill for row in rows if row.json_file_id}
        open_ids = visible.whole(self.rights, list(bills.values()))
        return [self._with_addresses(row, row.bill_id in open_ids) for row in rows]

    def represent(self, row: StatementJob) -> dict[str, Any]:
        """Return one job."""
        return self.represent_many([row])[0]

    def _with_addresses(self, row: StatementJob, is_open: bool) -> dict[str, Any]:
        shown = super().represent(row)
        if is_open and row.status == StatementJobStatus.COMPLETE:
            shown["presignedJsonStatementUrl"] = address(self.request, row.json_file)
            shown["presignedCsvStatementUrl"] = address(self.request, row.csv_file)
        return shown


def address(request: Request, file: StoredFile | None) -> str | None:
    """Return where a file can be read for a while."""
    if file is None:
        return None
    return file_addresses.download_url(file, base=request.build_absolute_uri("/"))


class BillStatementViewSet(TenantViewSet):
    """The statements of one bill."""

    queryset = Bill.objects.select_related("account")
    serializer_class = DownloadSerializer
    permits: ClassVar[Permits] = {
        "json": ("config:retrieve", None),
        "csv": ("config:retrieve", None),
        "make_csv": ("config:update", None),
    }

    @extend_schema(responses=DownloadSerializer)
    def json(self, request: Request, **kwargs: Any) -> Response:
        """Where the newest JSON statement can be read."""
        return self._newest("json")

    @extend_schema(responses=DownloadSerializer)
    def csv(self, request: Request, **kwargs: Any) -> Response:
        """Where the newest CSV statement can be read."""
        return self._newest("csv")

    @extend_schema(request=None, responses=DownloadSerializer)
    def make_csv(self, request: Request, **kwargs: Any) -> Response:
        """Write the statement anew, as JSON and CSV, and say where the CSV can be read."""
        bill = self._bill()
        (job,) = jobs.start([bill], by=self.principal, include_csv=True)
        jobs.work_off(job.pk)
        done = StatementJob.objects.select_related("csv_file").get(pk=job.pk)
        if done.status == StatementJobStatus.FAILED:
            raise DomainError(done.failure_reason)
        if done.csv_file is None:
            raise NotFound("The statement is being written. Ask for it again in a moment.")
        return Response({"downloadUrl": address(request, done.csv_file)})

    def _bill(self) -> Bill:
        bill = self.get_object()
        visible.require_whole(self.rights, bill)
        return bill

    def _newest(self, kind: str) -> Response:
        job = jobs.newest(self._bill(), kind)
        if job is None:
            raise NotFound("This bill has no statement of this format yet.")
        return Response({"downloadUrl": address(self.request, getattr(job, f"{kind}_file"))})


class LineUsageViewSet(TenantViewSet):
    """The usage behind one line."""

    queryset = LineItem.objects.select_related("bill__account")
    serializer_class = DownloadSerializer
    permits: ClassVar[Permits] = {"usage": ("config:retrieve", None)}
    within: ClassVar[dict[str, str]] = {"bill": "billing:bill"}

    @extend_schema(responses=DownloadSerializer)
    def usage(self, request: Request, **kwargs: Any) -> Response:
        """Write the usage of the line as JSON, and say where it can be read."""
        bills = Bill.objects.for_organization(self.organization_id)
        lines = self.get_queryset().filter(bill=self.find(bills, self.kwargs["bill"]))
        line = self.find(lines, self.kwargs["id"])
        file = single_lines.write(line, by=self.principal.id)
        return Response({"downloadUrl": address(request, file)})


urlpatterns = [
    *routes("statementdefinitions", StatementDefinitionViewSet),
    *routes(
        "statementjobs",
        StatementJobViewSet,
        item={"get": "retrieve"},
        more={"batch": {"post": "batch"}, "<str:id>/cancel": {"post": "cancel"}},
    ),
    *routes(
        "bills",
        BillStatementViewSet,
        collection={},
        item={},
        more={
            "<str:id>/statement/json": {"get": "json"},
            "<str:id>/statement/csv": {"get": "csv", "post": "make_csv"},
        },
    ),
    *routes(
        "bills/<str:bill>/lineitems",
        LineUsageViewSet,
        collection={},
        item={},
        more={"<str:id>/usage/json": {"get": "usage"}},
    ),
]
