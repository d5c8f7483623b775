"""Who owes: accounts, and the plans attached to them."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Q

from catalog.models import InstantRange, Plan, PlanGroup, Product
from organizations.kernel import ids
from organizations.kernel.exact_json import ExactJSONField
from organizations.kernel.tenancy import TenantModel, newest_first_index
from organizations.models import DocumentLanguage, StatementMode


class ByEmail(models.TextChoices):
    ON = "ON", "Send"
    OFF = "OFF", "Do not send"


class Account(TenantModel):
    """A customer of the organization: sends usage, has plans, receives bills.

    ``address`` holds the wire's keys (addressLine1..4, locality, region, postCode, country).
    """

    name = models.CharField(max_length=200)
    code = models.CharField(max_length=80, validators=[ids.relaxed_code])
    # Case-folded, trimmed, runs of spaces collapsed: what makes a near match (usage.md 4.6).
    code_folded = models.CharField(max_length=320, editable=False, default="")
    email_address = models.EmailField(max_length=254)
    address = models.JSONField(default=dict, blank=True)
    parent_account = models.ForeignKey(
        "self", on_delete=models.PROTECT, related_name="children", null=True, blank=True
    )
    currency = models.CharField(
        max_length=80, null=True, blank=True, help_text="Empty: the organization's currency."
    )
    bill_epoch = models.DateField(null=True, blank=True)
    purchase_order_number = models.CharField(max_length=100, null=True, blank=True)
    document_language = models.CharField(
        "language of bills",
        max_length=8,
        choices=DocumentLanguage,
        blank=True,
        default="",
        help_text="Without one, the organization's.",
    )
    bills_by_email = models.CharField(
        "bills by e-mail",
        max_length=3,
        choices=ByEmail,
        blank=True,
        default="",
        help_text="Whether a bill is sent when it is approved. Empty: as the organization does.",
    )
    bill_email_addresses = ArrayField(
        models.EmailField(max_length=254),
        verbose_name="send bills to",
        default=list,
        blank=True,
        size=10,
        help_text="At most ten addresses, separated by commas. Empty: the account's own.",
    )
    days_before_bill_due = models.PositiveIntegerField(null=True, blank=True)
    statement_definition_id = models.UUIDField(null=True, blank=True)
    auto_generate_statement_mode = models.CharField(
        max_length=16, choices=StatementMode, null=True, blank=True
    )
    credit_application_order = ArrayField(models.CharField(max_length=16), default=list, blank=True)
    is_autocreated = models.BooleanField(default=False, editable=False)
    custom_fields = ExactJSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "code"], name="account_code_unique")
        ]
        indexes = [
            newest_first_index("account_newest"),
            models.Index(fields=["organization", "code_folded"], name="account_code_folded"),
            models.Index(fields=["organization", "name"], name="account_name"),
            models.Index(
                fields=["organization"],
                condition=models.Q(is_autocreated=True),
                name="account_autocreated",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: object, **kwargs: object) -> None:
        """Keep the folded code beside the code."""
        self.code_folded = fold_code(self.code)
        super().save(*args, **kwargs)


def fold_code(code: str) -> str:
    """Return the form in which two closely similar account codes are equal (usage.md 4.6)."""
    return " ".join(code.casefold().split())


class ChildBillingMode(models.TextChoices):
    PARENT_SUMMARY = "PARENT_SUMMARY", "Parent summary"
    PARENT_BREAKDOWN = "PARENT_BREAKDOWN", "Parent breakdown"
    CHILD = "CHILD", "Child"


class AccountPlan(TenantModel):
    """A plan, or a plan group, attached to an account from a start to an exclusive end (ACP-1)."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="account_plans")
    plan = models.ForeignKey(
        Plan, on_delete=models.PROTECT, related_name="account_plans", null=True, blank=True
    )
    plan_group = models.ForeignKey(
        PlanGroup, on_delete=models.PROTECT, related_name="account_plans", null=True, blank=True
    )
    # The plan's product, kept here so that the database can refuse overlaps (ACP-2).
    product = models.ForeignKey(
        Product, on_delete=models.PROTECT, related_name="+", editable=False, null=True
    )
    code = models.CharField(max_length=80, null=True, blank=True, validators=[ids.relaxed_code])
    start_date = models.DateTimeField()
    end_date = models.DateTimeField(null=True, blank=True, help_text="Exclusive.")
    bill_epoch = models.DateField(null=True, blank=True)
    contract = models.ForeignKey(
        "billing.Contract",
        on_delete=models.PROTECT,
        related_name="account_plans",
        null=True,
        blank=True,
    )
    child_billing_mode = models.CharField(
        max_length=16, choices=ChildBillingMode, default=ChildBillingMode.PARENT_BREAKDOWN
    )
    # Made while the organization allowed overlapping plans.
    may_overlap = models.BooleanField(default=False, editable=False)
    custom_fields = ExactJSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(plan__isnull=False) ^ Q(plan_group__isnull=False),
                name="account_plan_plan_or_group",
            ),
            models.CheckConstraint(
                condition=Q(end_date__isnull=True) | Q(end_date__gt=F("start_date")),
                name="account_plan_ends_after_start",
            ),
            models.UniqueConstraint(
                fields=["organization", "code"], name="account_plan_code_unique"
            ),
            ExclusionConstraint(
                name="account_plan_no_overlap",
                expressions=[
                    ("account", RangeOperators.EQUAL),
                    ("product", RangeOperators.EQUAL),
                    (
                        InstantRange("start_date", "end_date", RangeBoundary()),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(may_overlap=False),
            ),
        ]
        indexes = [
            newest_first_index("account_plan_newest"),
            models.Index(fields=["account", "start_date"], name="account_plan_account"),
            models.Index(fields=["plan"], name="account_plan_plan"),
        ]

    def __str__(self) -> str:
        on = self.plan_id or self.plan_group_id
        return f"{self.account_id} on {on} from {self.start_date:%Y-%m-%d}"
