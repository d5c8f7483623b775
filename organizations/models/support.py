"""The window in which support users of the installation may enter an organization (A7)."""

from django.db import models

from organizations.kernel.tenancy import TenantModel


class SupportAccess(TenantModel):
    """At most one row per organization; its id is the organization's (A7.3)."""

    ends_at = models.DateTimeField()
    statements = models.JSONField(default=list)

    class Meta:
        verbose_name_plural = "support access"
        constraints = [
            models.UniqueConstraint(fields=["organization"], name="support_access_unique")
        ]

    def __str__(self) -> str:
        return f"Support access until {self.ends_at:%Y-%m-%d %H:%M}"
