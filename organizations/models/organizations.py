"""The tenant itself, its settings and its currencies."""

from datetime import date
from typing import Any
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from organizations.kernel import ids, iso4217
from organizations.kernel.exact_json import ExactJSONField
from organizations.kernel.tenancy import TenantModel, newest_first_index


class OrganizationType(models.TextChoices):
    PRODUCTION = "PRODUCTION", "Production"
    SANDBOX = "SANDBOX", "Sandbox"


class DocumentLanguage(models.TextChoices):
    """How bills are written: words, figures and dates."""

    EN = "en", "English"
    EN_US = "en-US", "English (United States)"
    DE = "de", "German"
    FR = "fr", "French"
    ES = "es", "Spanish"


class OrganizationStatus(models.TextChoices):
    ACTIVE = "ACTIVE", "Active"
    ARCHIVED = "ARCHIVED", "Archived"


class Organization(models.Model):
    """A tenant: every business row belongs to exactly one (A1.1)."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    version = models.PositiveBigIntegerField(default=1, editable=False)
    name = models.CharField(max_length=200)
    short_name = models.CharField(max_length=50, blank=True)
    type = models.CharField(
        max_length=16, choices=OrganizationType, default=OrganizationType.PRODUCTION
    )
    status = models.CharField(
        max_length=16, choices=OrganizationStatus, default=OrganizationStatus.ACTIVE
    )
    address = models.JSONField(default=dict, blank=True)
    tax_id = models.CharField(max_length=100, blank=True)
    purchase_order_number = models.CharField(max_length=100, blank=True)
    invoice_general_reference = models.CharField(max_length=200, blank=True)
    document_language = models.CharField(
        "language of bills", max_length=8, choices=DocumentLanguage, default=DocumentLanguage.EN
    )
    bank_details = models.TextField(max_length=1000, blank=True)
    document_footer = models.TextField(max_length=500, blank=True)
    # A PNG that was made anew of what was uploaded.
    logo_file = models.ForeignKey(
        "organizations.StoredFile", on_delete=models.SET_NULL, related_name="+", null=True,
        blank=True,
    )  # fmt: skip
    bills_by_email = models.BooleanField(default=False)
    bill_email_subject = models.CharField(max_length=200, blank=True)
    bill_email_text = models.TextField(max_length=4000, blank=True)
    billing_contact_user_ids = ArrayField(models.UUIDField(), default=list, blank=True, size=3)
    # Raised by every change of what ingest resolves from its caches: codes, fields, calculations.
    catalog_revision = models.PositiveBigIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.UUIDField(null=True, editable=False)
    modified_at = models.DateTimeField(default=timezone.now, editable=False)
    modified_by = models.UUIDField(null=True, editable=False)

    class Meta:
        verbose_name = "organization"

    def __str__(self) -> str:
        return self.name

    @property
    def organization_id(self) -> UUID:
        """Its own id: an organization belongs to itself, for audit entries about it."""
        return self.pk


class RoundingMode(models.TextChoices):
    UP = "UP", "Up (away from zero)"
    DOWN = "DOWN", "Down (towards zero)"
    CEILING = "CEILING", "Ceiling"
    FLOOR = "FLOOR", "Floor"
    HALF_UP = "HALF_UP", "Half up"
    HALF_DOWN = "HALF_DOWN", "Half down"
    HALF_EVEN = "HALF_EVEN", "Half even"
    UNNECESSARY = "UNNECESSARY", "Unnecessary (refuse to round)"


class Currency(TenantModel):
    """A currency the organization prices or bills in; custom ones are allowed (MON-1)."""

    name = models.CharField(max_length=200)
    code = models.CharField(max_length=80, validators=[ids.strict_code])
    is_archived = models.BooleanField("archived", default=False)
    max_decimal_places = models.PositiveSmallIntegerField(default=2)
    rounding_mode = models.CharField(
        max_length=16, choices=RoundingMode, default=RoundingMode.HALF_UP
    )

    class Meta:
        verbose_name_plural = "currencies"
        constraints = [
            models.UniqueConstraint(fields=["organization", "code"], name="currency_code_unique"),
            models.CheckConstraint(
                condition=Q(max_decimal_places__lte=5), name="currency_places_at_most_five"
            ),
        ]
        indexes = [newest_first_index("currency_newest")]

    def __init__(self, *args: Any, **fields: Any) -> None:
        """A new currency has the decimals of its code unless others are given (MON-3)."""
        if not args and "code" in fields:
            fields.setdefault("max_decimal_places", iso4217.decimals(fields["code"]))
        super().__init__(*args, **fields)

    def __str__(self) -> str:
        return self.code


class GracePeriodUnit(models.TextChoices):
    MINUTES = "MINUTES", "Minutes"
    HOURS = "HOURS", "Hours"
    DAYS = "DAYS", "Days"


class ExternalInvoiceDateRule(models.TextChoices):
    FIRST_DAY_OF_NEXT_PERIOD = "FIRST_DAY_OF_NEXT_PERIOD", "First day of the next period"
    LAST_DAY_OF_ARREARS = "LAST_DAY_OF_ARREARS", "Last day of the arrears period"


class StatementMode(models.TextChoices):
    NONE = "NONE", "None"
    JSON = "JSON", "JSON"
    JSON_AND_CSV = "JSON_AND_CSV", "JSON and CSV"


class OrganizationConfig(TenantModel):
    """The organization's billing settings: one row each, made with it (A1.7)."""

    timezone = models.CharField(max_length=64, default="UTC")
    year_epoch = models.DateField(default=date(2022, 1, 1))
    month_epoch = models.DateField(default=date(2022, 1, 1))
    week_epoch = models.DateField(default=date(2022, 1, 4))
    day_epoch = models.DateField(default=date(2022, 1, 1))
    currency = models.CharField(max_length=80, default="USD")
    currency_conversions = ExactJSONField(default=list, blank=True)
    days_before_bill_due = models.PositiveIntegerField(default=30)
    scheduled_bill_interval = models.DecimalField(max_digits=4, decimal_places=2, default=0)
    scheduled_bill_offset = models.PositiveSmallIntegerField(null=True, blank=True)
    standing_charge_bill_in_advance = models.BooleanField(default=False)
    commitment_fee_bill_in_advance = models.BooleanField(default=False)
    minimum_spend_bill_in_advance = models.BooleanField(default=False)
    auto_approve_bills_grace_period = models.PositiveIntegerField(null=True, blank=True)
    auto_approve_bills_grace_period_unit = models.CharField(
        max_length=8, choices=GracePeriodUnit, null=True, blank=True
    )
    external_invoice_date = models.CharField(
        max_length=32,
        choices=ExternalInvoiceDateRule,
        default=ExternalInvoiceDateRule.FIRST_DAY_OF_NEXT_PERIOD,
    )
    suppressed_empty_bills = models.BooleanField(default=False)
    consolidate_bills = models.BooleanField(default=False)
    default_statement_definition_id = models.UUIDField(null=True, blank=True)
    auto_generate_statement_mode = models.CharField(
        max_length=16, choices=StatementMode, default=StatementMode.NONE
    )
    credit_application_order = ArrayField(models.CharField(max_length=16), default=list, blank=True)
    allow_negative_balances = models.BooleanField(default=False)
    allow_overlapping_plans = models.BooleanField(default=False)
    bill_prefix = models.CharField(max_length=50, null=True, blank=True)
    sequence_start_number = models.IntegerField(null=True, blank=True)
    latest_scheduled_run_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "organization configuration"
        constraints = [
            models.UniqueConstraint(
                fields=["organization"], name="organization_config_one_per_organization"
            )
        ]

    def __str__(self) -> str:
        return f"configuration of {self.organization_id}"
