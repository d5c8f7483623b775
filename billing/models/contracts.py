"""Contracts: what an account and the organization agreed on, and which charges belong to it."""

from django.db import models
from django.db.models import F, Q

from billing.models.accounts import Account
from organizations.kernel import ids
from organizations.kernel.exact_json import ExactJSONField
from organizations.kernel.tenancy import TenantModel, newest_first_index
from organizations.models import BillGroupingKey


class Contract(TenantModel):
    """A contract of one account, from its start to an exclusive end (CON-1).

    ``usage_filters`` is a list of {dimensionCode, mode, value}.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="contracts")
    name = models.CharField(max_length=200)
    code = models.CharField(max_length=80, null=True, blank=True, validators=[ids.relaxed_code])
    description = models.CharField(max_length=500, null=True, blank=True)
    purchase_order_number = models.CharField(max_length=100, null=True, blank=True)
    start_date = models.DateField()
    end_date = models.DateField(help_text="Exclusive: the first day without the contract.")
    apply_contract_period_limits = models.BooleanField(
        default=False,
        help_text="Only charges inside the contract's period are billed under it.",
    )
    usage_filters = models.JSONField(default=list, blank=True)
    bill_grouping_key = models.ForeignKey(
        BillGroupingKey,
        on_delete=models.PROTECT,
        related_name="contracts",
        null=True,
        blank=True,
        help_text="Contracts with the same key share a bill; an exclusive key has one of its own.",
    )
    # The key is exclusive: kept here so that the database can refuse a second contract (CON-3).
    has_exclusive_key = models.BooleanField(default=False, editable=False)
    custom_fields = ExactJSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "code"], name="contract_code_unique"),
            models.CheckConstraint(
                condition=Q(end_date__gt=F("start_date")), name="contract_ends_after_start"
            ),
            models.UniqueConstraint(
                fields=["bill_grouping_key"],
                condition=Q(has_exclusive_key=True),
                name="contract_exclusive_key_once",
            ),
        ]
        indexes = [
            newest_first_index("contract_newest"),
            models.Index(fields=["account", "-created_at", "-id"], name="contract_account"),
        ]

    def __str__(self) -> str:
        return self.name
