"""Uploads of measurement files over the API: an address, then jobs to watch."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.models import MeasurementUpload, UploadStatus
from billing.usage import uploads
from organizations.kernel import file_addresses
from organizations.kernel.api import fields
from organizations.kernel.api.filters import Filter, instant
from organizations.kernel.api.views import TenantViewSet, routes
from organizations.models import StoredFile

UPLOAD = ("measurements:fileupload", "data:fileUpload")


class UploadRequestSerializer(serializers.Serializer):
    """The file that is going to be uploaded."""

    fileName = fields.TextField(max_length=100)
    contentType = fields.ChoiceField(choices=uploads.CONTENT_TYPES)
    contentLength = fields.WholeField(min_value=1, max_value=uploads.MOST_BYTES)


class FileAddressSerializer(serializers.Serializer):
    """Where to send or read the bytes, for a short while and without a token."""

    jobId = serializers.CharField()
    url = serializers.CharField()
    headers = serializers.DictField(child=serializers.CharField())


class UploadJobSerializer(serializers.Serializer):
    """A file of measurements and how far it is."""

    id = fields.IdField()
    version = serializers.IntegerField()
    fileName = serializers.CharField()
    uploadDate = serializers.DateTimeField(allow_null=True)
    contentLength = serializers.IntegerField()
    status = serializers.ChoiceField(choices=UploadStatus.values)
    totalRows = serializers.IntegerField(allow_null=True)
    processedRows = serializers.IntegerField(help_text="Stored by now.")
    failedRows = serializers.IntegerField(help_text="Not stored.")


class MeasurementUploadViewSet(TenantViewSet):
    """Files of measurements."""

    queryset = MeasurementUpload.objects.all()
    serializer_class = UploadJobSerializer
    filters: ClassVar[dict[str, Filter]] = {
        "dateCreatedStart": Filter("created_at__gte", instant),
        "dateCreatedEnd": Filter("created_at__lt", instant),
        "fileKey": Filter(None),
    }
    permits: ClassVar[dict[str, tuple[str | None, str | None]]] = dict.fromkeys(
        ("generate", "list", "retrieve", "original", "errors"), UPLOAD
    )

    @extend_schema(request=UploadRequestSerializer, responses=FileAddressSerializer)
    def generate(self, request: Request, **kwargs: Any) -> Response:
        """Make a job and an address that takes the bytes with PUT; it is valid for a minute."""
        serializer = UploadRequestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        upload = uploads.expect(
            self.organization_id,
            file_name=asked["fileName"],
            content_type=asked["contentType"],
            size=asked["contentLength"],
            by=self.principal,
        )
        url = file_addresses.upload_url(upload.file, base=request.build_absolute_uri("/"))
        headers = file_addresses.upload_headers(upload.file)
        return Response({"jobId": str(upload.pk), "url": url, "headers": headers})

    @extend_schema(responses=FileAddressSerializer)
    def original(self, request: Request, **kwargs: Any) -> Response:
        """An address of the file as it was uploaded, valid for five minutes."""
        upload = self.get_object()
        return self._address(upload, uploads.original(upload))

    @extend_schema(responses=FileAddressSerializer)
    def errors(self, request: Request, **kwargs: Any) -> Response:
        """An address of the rows that were not stored, each with its reason."""
        upload = self.get_object()
        return self._address(upload, uploads.errors(upload))

    def _address(self, upload: MeasurementUpload, file: StoredFile) -> Response:
        url = file_addresses.download_url(file, base=self.request.build_absolute_uri("/"))
        return Response({"jobId": str(upload.pk), "url": url, "headers": {}})


urlpatterns = routes(
    "fileuploads/measurements",
    MeasurementUploadViewSet,
    collection={},
    item={},
    more={
        "generateUploadUrl": {"post": "generate"},
        "jobs": {"get": "list"},
        "jobs/<str:id>": {"get": "retrieve"},
        "jobs/<str:id>/original": {"get": "original"},
        "jobs/<str:id>/errors": {"get": "errors"},
    },
)
