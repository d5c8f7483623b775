"""The day up to which all bills of an organization are closed."""

from django.db import models

from organizations.kernel.tenancy import TenantModel


class BillConfig(TenantModel):
    """One row of an organization: bills whose last day is this day or earlier count as locked."""

    bill_lock_date = models.DateField("lock date", null=True, blank=True)

    class Meta:
        verbose_name = "lock date"
        constraints = [
            models.UniqueConstraint(
                fields=["organization"], name="bill_config_one_per_organization"
            )
        ]

    def __str__(self) -> str:
        return f"lock date of {self.organization_id}"
