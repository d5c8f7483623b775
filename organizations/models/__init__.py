"""Tenants, people and permissions."""

from organizations.models.access import (
    AccessKey,
    AccessKeyStatus,
    Membership,
    PermissionPolicy,
    PolicyAttachment,
    PrincipalType,
    ServiceUser,
    User,
)
from organizations.models.custom_fields import CustomFieldDefaults
from organizations.models.invitations import Invitation
from organizations.models.organizations import (
    Currency,
    ExternalInvoiceDateRule,
    GracePeriodUnit,
    Organization,
    OrganizationConfig,
    OrganizationStatus,
    OrganizationType,
    RoundingMode,
    StatementMode,
)
from organizations.models.picklists import (
    BillGroupingKey,
    CreditReason,
    DebitReason,
    TransactionType,
)
from organizations.models.records import Alert, AlertSeverity, AlertStatus, AuditEntry, Event
from organizations.models.resource_groups import ResourceGroup, ResourceGroupItem, TargetType
from organizations.models.seals import AuditSeal
from organizations.models.support import SupportAccess

__all__ = [
    "AccessKey",
    "AccessKeyStatus",
    "Alert",
    "AlertSeverity",
    "AlertStatus",
    "AuditEntry",
    "AuditSeal",
    "BillGroupingKey",
    "CreditReason",
    "Currency",
    "CustomFieldDefaults",
    "DebitReason",
    "Event",
    "ExternalInvoiceDateRule",
    "GracePeriodUnit",
    "Invitation",
    "Membership",
    "Organization",
    "OrganizationConfig",
    "OrganizationStatus",
    "OrganizationType",
    "PermissionPolicy",
    "PolicyAttachment",
    "PrincipalType",
    "ResourceGroup",
    "ResourceGroupItem",
    "RoundingMode",
    "ServiceUser",
    "StatementMode",
    "SupportAccess",
    "TargetType",
    "TransactionType",
    "User",
]
