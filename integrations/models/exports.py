"""Data exports: where files go."""

from django.core.validators import MinLengthValidator, RegexValidator
from django.db import models

from organizations.kernel import ids
from organizations.kernel.tenancy import TenantModel, newest_first_index

bucket_name = RegexValidator(
    r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
    "may have letters, digits, dots, hyphens and underscores, and begins with a letter or digit",
)


class DestinationType(models.TextChoices):
    """Kinds of stores a destination may be in."""

    S3 = "S3", "Amazon S3"
    GCS = "GCS", "Google Cloud Storage"


class PartitionOrder(models.TextChoices):
    """What comes first in the path of a file."""

    TIME_FIRST = "TIME_FIRST", "date and hour first"
    TYPE_FIRST = "TYPE_FIRST", "type of data first"


class ExportDestination(TenantModel):
    """A bucket that export files are copied to (D1).

    It holds no secret: our server assumes the role, or trades its own identity for the account's.
    """

    name = models.CharField(max_length=200)
    code = models.CharField(max_length=80, validators=[ids.relaxed_code])
    destination_type = models.CharField(
        "type", max_length=3, choices=DestinationType.choices, default=DestinationType.S3
    )
    bucket_name = models.CharField(
        "bucket", max_length=63, validators=[MinLengthValidator(3), bucket_name]
    )
    prefix = models.CharField(
        max_length=500, null=True, blank=True, help_text="A folder in the bucket, or nothing."
    )
    partition_order = models.CharField(
        max_length=10, choices=PartitionOrder.choices, default=PartitionOrder.TIME_FIRST
    )
    iam_role_arn = models.CharField(
        "IAM role ARN",
        max_length=2048,
        null=True,
        blank=True,
        help_text="S3: the role our server assumes; it may put objects into the bucket.",
    )
    project_number = models.CharField(
        max_length=200, null=True, blank=True, help_text="Google Cloud Storage only."
    )
    pool_id = models.CharField(
        "pool", max_length=200, null=True, blank=True, help_text="Workload identity pool."
    )
    provider_id = models.CharField(
        "provider", max_length=200, null=True, blank=True, help_text="Provider in the pool."
    )
    service_account_email = models.CharField(
        max_length=320,
        null=True,
        blank=True,
        help_text="The service account our server acts as; it may create objects.",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "code"], name="export_destination_code_unique"
            ),
            models.CheckConstraint(
                condition=models.Q(destination_type__in=DestinationType.values),
                name="export_destination_type_known",
            ),
        ]
        indexes = [newest_first_index("export_destination_newest")]

    def __str__(self) -> str:
        return self.name
