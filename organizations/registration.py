"""What this app tells the kernel's registry when Django starts."""

from organizations import representations as look
from organizations import settings_rules
from organizations.kernel import registry
from organizations.models import (
    Currency,
    Membership,
    OrganizationConfig,
    PermissionPolicy,
    PolicyAttachment,
    ServiceUser,
)


def register() -> None:
    """Register entities, delete guards and sentences for constraints."""
    from django.db.backends.signals import connection_created

    from organizations.kernel import isolation

    connection_created.connect(isolation.enter_role, dispatch_uid="application role")
    registry.register(
        OrganizationConfig,
        "config:organizationConfig",
        event="configuration.organizationconfig",
        represent=look.organization_config,
        moves_catalog=True,
        check=settings_rules.check_config,
    )
    registry.register(
        Currency,
        "config:currency",
        represent=look.currency,
        check=settings_rules.check_currency_row,
    )
    registry.register(ServiceUser, "config:serviceUser", represent=look.service_user)
    registry.register(Membership, "config:orgUser", represent=look.membership)
    registry.register(PermissionPolicy, "config:permissionPolicy", represent=look.permission_policy)
    registry.register(PolicyAttachment, "config:permissionPolicy", represent=look.policy_attachment)
    registry.refers(
        Currency,
        "organization configurations",
        lambda row: OrganizationConfig.objects.filter(
            organization_id=row.organization_id, currency=row.code
        ).count(),
    )
