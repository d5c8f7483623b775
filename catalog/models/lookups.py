"""Lookup tables: values found by keys, in revisions of which one is published (usage.md 15)."""

from django.db import models
from django.db.models import Q

from organizations.kernel import ids
from organizations.kernel.exact_json import ExactJSONField
from organizations.kernel.tenancy import (
    TenantModel,
    TenantQuerySet,
    newest_first_index,
    organization_field,
)
from organizations.models import StoredFile


class RevisionStatus(models.TextChoices):
    DRAFT = "DRAFT", "Draft"
    PUBLISHED = "PUBLISHED", "Published"
    ARCHIVED = "ARCHIVED", "Archived"


class LookupTable(TenantModel):
    """A table that calculations look values up in, by its code."""

    name = models.CharField(max_length=200)
    code = models.CharField(max_length=80, validators=[ids.relaxed_code])
    custom_fields = ExactJSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "code"], name="lookup_table_code_unique"
            )
        ]
        indexes = [newest_first_index("lookup_table_newest")]

    def __str__(self) -> str:
        return self.name


class LookupTableRevision(TenantModel):
    """The fields, keys and data of a table, as they were or will be (15.2, 15.3).

    ``fields`` are maps of name and type; ``keys`` are names of fields, in the order of the
    arguments of a lookup. Status changes through ``catalog.lookups.statuses`` only.
    """

    lookup_table = models.ForeignKey(
        LookupTable, on_delete=models.PROTECT, related_name="revisions"
    )
    name = models.CharField(max_length=200)
    status = models.CharField(
        max_length=9, choices=RevisionStatus, default=RevisionStatus.DRAFT, editable=False
    )
    start_date = models.DateTimeField(
        null=True, blank=True, help_text="For your information; publishing makes it count."
    )
    fields = ExactJSONField(default=list)
    keys = ExactJSONField(default=list)
    custom_fields = ExactJSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["lookup_table"],
                condition=Q(status="PUBLISHED"),
                name="lookup_revision_one_published",
            )
        ]
        indexes = [newest_first_index("lookup_revision_newest")]

    def __str__(self) -> str:
        return self.name

    @property
    def item_count(self) -> int:
        """How many rows its data have."""
        found: LookupTableData | None = getattr(self, "data", None)
        return found.item_count if found is not None else 0


class LookupTableData(TenantModel):
    """The data of a revision, with a version of their own (15.4). The rows are ``LookupRow``."""

    revision = models.OneToOneField(
        LookupTableRevision, on_delete=models.CASCADE, related_name="data"
    )
    item_count = models.PositiveBigIntegerField("items", default=0)

    class Meta:
        verbose_name_plural = "lookup table data"
        indexes = [newest_first_index("lookup_data_newest")]

    def __str__(self) -> str:
        return f"data of {self.revision_id}"


class LookupRow(models.Model):
    """One item of a revision's data; ``key`` is the values of its keys, joined with commas."""

    organization = organization_field(db_index=False)
    data = models.ForeignKey(
        LookupTableData, on_delete=models.CASCADE, related_name="rows", db_index=False
    )
    key = models.CharField(max_length=512)
    item = ExactJSONField()

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["data", "key"], name="lookup_row_key_unique")
        ]

    def __str__(self) -> str:
        return self.key


class LookupJobType(models.TextChoices):
    COPY = "COPY", "Copy"
    UPLOAD = "UPLOAD", "Upload"
    DOWNLOAD = "DOWNLOAD", "Download"
    ARCHIVE = "ARCHIVE", "Archive"


class LookupJobStatus(models.TextChoices):
    PENDING = "PENDING", "Pending"
    SUCCEEDED = "SUCCEEDED", "Succeeded"
    FAILED = "FAILED", "Failed"


class LookupTableJob(TenantModel):
    """A copy, upload, download or archive of a revision's data (15.5).

    ``ready_at`` is from when on a worker may run it: an upload waits for its file, and while one
    worker is at it no other begins. The data have to have ``data_version`` still when an upload
    is taken in.
    """

    revision = models.ForeignKey(LookupTableRevision, on_delete=models.CASCADE, related_name="jobs")
    destination = models.ForeignKey(
        LookupTableRevision, on_delete=models.CASCADE, related_name="+", null=True
    )
    type = models.CharField(max_length=8, choices=LookupJobType)
    status = models.CharField(
        max_length=9, choices=LookupJobStatus, default=LookupJobStatus.PENDING
    )
    file = models.OneToOneField(StoredFile, on_delete=models.PROTECT, null=True, related_name="+")
    file_name = models.CharField(max_length=100, blank=True)
    content_type = models.CharField(max_length=20, blank=True)
    failure_reason = models.TextField(blank=True)
    ready_at = models.DateTimeField("ready", null=True)
    data_version = models.PositiveBigIntegerField(null=True)

    class Meta:
        verbose_name = "lookup table job"
        indexes = [
            newest_first_index("lookup_job_newest"),
            models.Index(
                fields=["ready_at"], condition=Q(status="PENDING"), name="lookup_job_pending"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_type_display()} {self.file_name}".strip()
