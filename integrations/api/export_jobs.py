"""Exports by hand, jobs and their files over the API (D3)."""

from datetime import timedelta
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.export_settings import AdHocSerializer
from integrations.exports import asking, jobs
from integrations.models import ExportJob, ExportSource, ExportStatus
from organizations.kernel import clock, file_addresses
from organizations.kernel.api import fields
from organizations.kernel.api.filters import Filter, chosen, id_list, instant, related
from organizations.kernel.api.views import TenantViewSet, routes

ADDRESS_FOR = timedelta(minutes=15)


class ExportJobIdSerializer(serializers.Serializer):
    """The job that was made."""

    jobId = serializers.CharField()


class ExportDownloadSerializer(serializers.Serializer):
    """An address that needs no token, and until when."""

    url = serializers.CharField()
    expirationTime = fields.InstantField()


class ExportJobSerializer(serializers.Serializer):
    """A job and how far it is."""

    id = fields.IdField()
    version = serializers.IntegerField()
    scheduleId = serializers.CharField(allow_null=True)
    dateCreated = fields.InstantField()
    startedAt = fields.InstantField(allow_null=True)
    sourceType = serializers.ChoiceField(choices=ExportSource.values)
    status = serializers.ChoiceField(choices=ExportStatus.values)


class ExportJobViewSet(TenantViewSet):
    """Exports that run or have run."""

    queryset = ExportJob.objects.select_related("file")
    serializer_class = ExportJobSerializer
    permits: ClassVar[dict[str, tuple[str | None, str | None]]] = {
        "ask": ("config:create", None),
        "download": ("exports:download", None),
    }
    filters: ClassVar[dict[str, Filter]] = {
        "ids": id_list(),
        "scheduleId": related("schedule_id"),
        "status": chosen("status", ExportStatus.values),
        "dateCreatedStart": Filter("created_at__gte", instant),
        "dateCreatedEnd": Filter("created_at__lt", instant),
    }

    @extend_schema(request=AdHocSerializer, responses=ExportJobIdSerializer)
    def ask(self, request: Request, **kwargs: Any) -> Response:
        """Export now."""
        serializer = AdHocSerializer(data=request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        source, asked = serializer.asked(clock.now())
        asking.require(self.rights, source)
        job = jobs.ask(self.organization_id, source, asked, by=self.principal)
        return Response({"jobId": str(job.pk)})

    @extend_schema(responses=ExportDownloadSerializer)
    def download(self, request: Request, **kwargs: Any) -> Response:
        """An address of the file, valid for 15 minutes."""
        file = jobs.download(self.get_object())
        ends = clock.now() + ADDRESS_FOR
        url = file_addresses.download_url(
            file,
            base=request.build_absolute_uri("/"),
            seconds=int(ADDRESS_FOR.total_seconds()),
        )
        return Response({"url": url, "expirationTime": ends})


urlpatterns = [
    *routes(
        "dataexports/jobs",
        ExportJobViewSet,
        collection={"get": "list"},
        item={"get": "retrieve"},
        more={"<str:id>/getdownloadurl": {"get": "download"}},
    ),
    *routes("dataexports", ExportJobViewSet, collection={}, item={},
            more={"adhoc": {"post": "ask"}}),
]  # fmt: skip
