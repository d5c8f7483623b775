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
from organizations.models.kept_answers import KeptAnswer
from organizations.models.organizations import (
    Currency,
    DocumentLanguage,
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
from organizations.models.signing_in import (
    OpenSession,
    PersonalToken,
    ProviderIdentity,
    RecoveryCode,
    SecondFactor,
    SignInSettings,
)
from organizations.models.stored_files import FileState, StoredFile
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
    "DocumentLanguage",
    "Event",
    "ExternalInvoiceDateRule",
    "FileState",
    "GracePeriodUnit",
    "Invitation",
    "KeptAnswer",
    "Membership",
    "OpenSession",
    "Organization",
    "OrganizationConfig",
    "OrganizationStatus",
    "OrganizationType",
    "PermissionPolicy",
    "PersonalToken",
    "PolicyAttachment",
    "PrincipalType",
    "ProviderIdentity",
    "RecoveryCode",
    "ResourceGroup",
    "ResourceGroupItem",
    "RoundingMode",
    "SecondFactor",
    "ServiceUser",
    "SignInSettings",
    "StatementMode",
    "StoredFile",
    "SupportAccess",
    "TargetType",
    "TransactionType",
    "User",
]
