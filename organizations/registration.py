"""What this app tells the kernel's registry when Django starts."""

from organizations import alerts, attachments, grants, resource_groups, settings_rules
from organizations import representations as look
from organizations import representations_of_people as look_of_people
from organizations.kernel import event_types, registry
from organizations.models import (
    AccessKey,
    Alert,
    AuditEntry,
    BillGroupingKey,
    CreditReason,
    Currency,
    CustomFieldDefaults,
    DebitReason,
    Event,
    Invitation,
    Membership,
    Organization,
    OrganizationConfig,
    PermissionPolicy,
    PolicyAttachment,
    ProviderIdentity,
    ResourceGroup,
    ResourceGroupItem,
    ServiceUser,
    SignInSettings,
    SupportAccess,
    TransactionType,
)


def register() -> None:
    """Register entities, delete guards and sentences for constraints."""
    registry.register(
        Organization,
        "config:organizationConfig",
        event="configuration.organization",
        represent=look.organization,
    )
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
    for model, resource, event in (
        (CreditReason, "config:creditReason", "configuration.creditreason"),
        (DebitReason, "config:debitReason", None),
        (TransactionType, "config:transactionType", "configuration.transactiontype"),
    ):
        registry.register(model, resource, event=event, represent=look.pick_list_entry)
    registry.register(BillGroupingKey, "config:billGroupingKey", represent=look.bill_grouping_key)
    registry.register(
        CustomFieldDefaults,
        "config:customField",
        event="configuration.customfield",
        represent=look.custom_field_defaults,
        moves_catalog=True,
    )
    registry.register(AccessKey, "config:accessKey", represent=look_of_people.access_key)
    registry.register(Invitation, "config:orgUserInvitation", represent=look_of_people.invitation)
    registry.register(
        SupportAccess,
        "config:support",
        represent=look_of_people.support_access,
        follow=grants.follow_support,
    )
    registry.register(
        SignInSettings, "config:organizationConfig", represent=look_of_people.sign_in_settings
    )
    registry.register(
        ServiceUser,
        "config:serviceUser",
        represent=look.service_user,
        follow=grants.follow_service_users,
    )
    registry.register(
        Membership,
        "config:orgUser",
        represent=look.membership,
        item_field="user_id",
        follow=grants.follow_members,
    )
    # After Membership: the first entity of a type is the one its groups hold.
    registry.register(
        ProviderIdentity, "config:orgUser", represent=look_of_people.provider_identity
    )
    registry.register(
        PermissionPolicy,
        "config:permissionPolicy",
        represent=look.permission_policy,
        check=attachments.check_policy,
        follow=grants.follow_policies,
        moves_catalog=True,
    )
    registry.register(
        PolicyAttachment,
        "config:permissionPolicy",
        represent=look.policy_attachment,
        follow=grants.follow_attachments,
        moves_catalog=True,
    )
    registry.register(
        ResourceGroup,
        "config:resourceGroup",
        represent=look.resource_group,
        follow=grants.follow_groups,
    )
    registry.register(ResourceGroupItem, "config:resourceGroup", represent=look.resource_group_item)
    for model, resource in (
        (Alert, "config:event"),
        (AuditEntry, "audit:entry"),
        (Event, "config:event"),
    ):
        registry.name(model, resource)
    registry.recorded(alerts.EVENT, lambda: alerts.represent(event_types.sample(Alert)))
    registry.follow_deletes(resource_groups.forget)
    registry.follow_deletes(grants.forget)
    registry.explain_constraint(
        "permission_policy_name_unique", "name", "another permission policy has this name"
    )
    # A form of founding that is sent twice: its id came with it.
    registry.explain_constraint(
        "organizations_organization_pkey", "", "this organization was founded already"
    )
    registry.explain_constraint(
        "organizations_accesskey_pkey", "", "this key was made already, and its secret shown once"
    )
    registry.refers(
        Currency,
        "organization configurations",
        lambda row: OrganizationConfig.objects.filter(
            organization_id=row.organization_id, currency=row.code
        ),
    )
