"""What marketplaces have been told of a bill."""

from django.db import models

from organizations.kernel import ids
from organizations.kernel.exact_json import ExactJSONField
from organizations.kernel.tenancy import TenantQuerySet, newest_first_index, organization_field


class MarketplaceReport(models.Model):
    """What one marketplace has been told of one bill, whichever configurations told it (A10).

    ``reported_usage`` is ``{dimension: {hour: quantity}}``. What was metered stays a fact when the
    bill or the account is deleted, so both are ids and refer to nothing.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    organization = organization_field(db_index=False)
    account_id = models.UUIDField(null=True)
    bill_id = models.UUIDField()
    bill_start_date = models.DateField(null=True)
    external_system = models.CharField(max_length=60)
    reported_usage = ExactJSONField(default=dict)
    created_at = models.DateTimeField()
    modified_at = models.DateTimeField()

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "bill_id", "external_system"],
                name="marketplace_report_of_bill_unique",
            )
        ]
        indexes = [
            newest_first_index("marketplace_report_newest"),
            models.Index(
                fields=["organization", "account_id", "-created_at", "-id"],
                name="marketplace_report_of_account",
            ),
            models.Index(
                fields=["organization", "bill_start_date", "-created_at", "-id"],
                name="marketplace_report_of_period",
            ),
            models.Index(
                fields=["organization", "external_system", "-created_at", "-id"],
                name="marketplace_report_of_system",
            ),
        ]

    def __str__(self) -> str:
        return f"Bill {self.bill_id} to {self.external_system}"


class MeteredHour(models.Model):
    """An hour of a customer's dimension, kept for a bill before a marketplace is told of it (A10).

    A marketplace takes one quantity for a customer, dimension and hour; the same once more is
    nothing new. So the hour and the quantity are stored before the call: a worker that dies is
    followed by one that repeats the same call, and two bills never share an hour. It has no bill
    where the marketplace knew the hour from somebody else.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    organization = organization_field(db_index=False)
    external_system = models.CharField(max_length=60)
    customer = models.CharField(max_length=300)
    dimension = models.CharField(max_length=300)
    hour = models.DateTimeField()
    bill_id = models.UUIDField(null=True)
    quantity = models.DecimalField(max_digits=38, decimal_places=18, default=0)
    created_at = models.DateTimeField()

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "external_system", "customer", "dimension", "hour"],
                name="metered_hour_unique",
            )
        ]
        indexes = [
            models.Index(
                fields=["organization", "bill_id", "external_system"], name="metered_hour_of_bill"
            ),
        ]
