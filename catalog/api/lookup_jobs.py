"""Jobs that move the data of lookup table revisions, over the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.lookup_data import DATA, REVISION, OfRevisionViewSet
from catalog.api.lookups import Permits
from catalog.lookups import formats, jobs
from catalog.models import (
    LookupJobStatus,
    LookupJobType,
    LookupTableJob,
    LookupTableRevision,
)
from organizations.kernel import clock, file_addresses, files
from organizations.kernel.api import fields
from organizations.kernel.api.filters import Filter
from organizations.kernel.errors import FieldRefused, NotFound
from organizations.models import StoredFile

VALID_SECONDS = 3600
WITH_A_FILE = (LookupJobType.DOWNLOAD, LookupJobType.ARCHIVE)


class LookupJobSerializer(serializers.Serializer):
    """A job; a finished download has the address of its file, valid for an hour."""

    id = fields.IdField()
    version = serializers.IntegerField()
    fileName = serializers.CharField(allow_null=True)
    lookupTableId = fields.IdField()
    lookupTableRevisionId = fields.IdField()
    destinationLookupTableRevisionId = fields.IdField(allow_null=True)
    jobDate = serializers.DateTimeField()
    type = serializers.ChoiceField(choices=LookupJobType.choices)
    status = serializers.ChoiceField(choices=LookupJobStatus.choices)
    failureReason = serializers.CharField(allow_null=True)
    downloadUrl = serializers.CharField(allow_null=True)
    downloadUrlExpiry = serializers.DateTimeField(allow_null=True)


class LookupCopySerializer(serializers.Serializer):
    """Where to copy the data; without it they go into a new draft."""

    revisionId = fields.IdField(required=False, allow_null=True)


class LookupCopiedSerializer(serializers.Serializer):
    """The job, and the revision that gets the data."""

    jobId = fields.IdField()
    revisionId = fields.IdField()


class LookupContentTypeSerializer(serializers.Serializer):
    """The format of the file."""

    contentType = fields.ChoiceField(choices=formats.CONTENT_TYPES)


class LookupUploadSerializer(LookupContentTypeSerializer):
    """The file that is going to be uploaded."""

    fileName = fields.TextField(min_length=1, max_length=100)
    contentLength = fields.WholeField(min_value=1, max_value=jobs.MOST_BYTES)
    version = fields.WholeField(min_value=0, required=False, allow_null=True)


class LookupUploadAddressSerializer(serializers.Serializer):
    """Where to send the bytes with PUT within a minute, and with which headers."""

    jobId = fields.IdField()
    url = serializers.CharField()
    headers = serializers.DictField(child=serializers.CharField())


class LookupArchivedSerializer(serializers.Serializer):
    """Where to read the data of an archived revision, and until when."""

    url = serializers.CharField()
    expiry = serializers.DateTimeField()


class LookupJobStartedSerializer(serializers.Serializer):
    """The job that writes the file."""

    jobId = fields.IdField()


class LookupJobViewSet(OfRevisionViewSet):
    """Copies, uploads, downloads and archives of a revision's data."""

    queryset = LookupTableJob.objects.select_related("file", "revision__data")
    serializer_class = LookupJobSerializer
    filters: ClassVar[dict[str, Filter]] = {}
    permits: ClassVar[Permits] = {
        "copy": ("config:retrieve", DATA),
        "generate": ("config:update", DATA),
        "archived": ("config:retrieve", DATA),
        "download": ("config:retrieve", DATA),
    }

    def get_queryset(self) -> QuerySet:
        """Return the jobs of that revision."""
        return super().get_queryset().filter(revision=self.revision())

    def represent(self, row: LookupTableJob) -> dict[str, Any]:
        """Add the address of a finished file, for whom may read the data."""
        address = {"downloadUrl": None, "downloadUrlExpiry": None}
        has_file = row.type in WITH_A_FILE and row.file is not None and files.is_readable(row.file)
        if has_file and self.rights.allows("config:retrieve", DATA, row.revision.data.pk):
            url, expiry = self._address(row.file)
            address = {"downloadUrl": url, "downloadUrlExpiry": expiry}
        return {**super().represent(row), **address}

    def _address(self, file: StoredFile) -> tuple[str, Any]:
        base, seconds = self.request.build_absolute_uri("/"), VALID_SECONDS
        expiry = clock.now().replace(microsecond=0) + timedelta(seconds=seconds)
        return file_addresses.download_url(file, base=base, seconds=seconds), expiry

    def may(self, action: str) -> LookupTableRevision:
        """Return the revision; raises ``Forbidden`` where its own data are denied."""
        revision = self.revision()
        self.rights.require(action, DATA, revision.data.pk)
        return revision

    @extend_schema(request=LookupCopySerializer, responses=LookupCopiedSerializer)
    def copy(self, request: Request, **kwargs: Any) -> Response:
        """Copy the data into another draft of the same fields and keys, or into a new one."""
        source, target = self.may("config:retrieve"), None
        wanted = self.valid(LookupCopySerializer).get("revisionId")
        if wanted:
            target = self._target(str(wanted))
            self.rights.require("config:update", DATA, target.data.pk)
        else:
            self.rights.require("config:create", REVISION)
        job = jobs.copy(source, target, by=self.principal)
        return Response({"jobId": str(job.pk), "revisionId": str(job.destination_id)})

    def _target(self, wanted: str) -> LookupTableRevision:
        rows = LookupTableRevision.objects.for_organization(self.organization_id)
        seen = self.rights.visible(rows, "config:retrieve", REVISION).select_related("data")
        try:
            found: LookupTableRevision = self.find(seen, wanted)
        except NotFound as missing:
            raise FieldRefused("revisionId", "there is no such revision") from missing
        return found

    @extend_schema(request=LookupUploadSerializer, responses=LookupUploadAddressSerializer)
    def generate(self, request: Request, **kwargs: Any) -> Response:
        """Make a job and an address that takes the bytes with PUT; it is valid for a minute."""
        revision, asked = self.may("config:update"), self.valid(LookupUploadSerializer)
        job = jobs.expect(
            revision,
            file_name=asked["fileName"],
            content_type=asked["contentType"],
            size=asked["contentLength"],
            version=asked.get("version"),
            by=self.principal,
        )
        url = file_addresses.upload_url(job.file, base=request.build_absolute_uri("/"))
        headers = file_addresses.upload_headers(job.file)
        return Response({"jobId": str(job.pk), "url": url, "headers": headers})

    @extend_schema(request=LookupContentTypeSerializer, responses=LookupArchivedSerializer)
    def archived(self, request: Request, **kwargs: Any) -> Response:
        """An address of the data of an archived revision, valid for an hour."""
        revision, asked = self.may("config:retrieve"), self.valid(LookupContentTypeSerializer)
        file = jobs.archived(revision, asked["contentType"], by=self.principal)
        url, expiry = self._address(file)
        return Response({"url": url, "expiry": expiry})

    @extend_schema(request=LookupContentTypeSerializer, responses=LookupJobStartedSerializer)
    def download(self, request: Request, **kwargs: Any) -> Response:
        """Start a job that writes all data to a file; the job has its address in the end."""
        revision, asked = self.may("config:retrieve"), self.valid(LookupContentTypeSerializer)
        job = jobs.download(revision, asked["contentType"], by=self.principal)
        return Response({"jobId": str(job.pk)})

    def destroy(self, request: Request, **kwargs: Any) -> Response:
        """Delete a job and its file."""
        return self.answer(jobs.delete(self.get_object(), by=self.principal))
