"""How people, their invitations and keys look outside. Secrets and passwords never appear."""

from typing import Any

from organizations.kernel.representing import audit, identity, text
from organizations.models import (
    AccessKey,
    Invitation,
    Membership,
    ProviderIdentity,
    SignInSettings,
    SupportAccess,
)


def access_key(row: AccessKey) -> dict[str, Any]:
    """A key of a service user; the secret is answered once, when it is made (A4.4)."""
    return {
        **identity(row),
        "accessKeyId": str(row.pk),
        "serviceUserId": str(row.service_user_id),
        "organizationId": str(row.organization_id),
        "status": row.status,
        "dtLastUsed": row.latest_used_at,
        **audit(row),
    }


def organization_user(row: Membership, organizations: list[str]) -> dict[str, Any]:
    """A member as ``/users`` shows them: the person's id and facts, the membership's version.

    ``organizations`` are those the caller may know of: never another tenant's.
    """
    person = row.user
    return {
        "id": str(person.pk),
        "version": row.version,
        "firstName": person.first_name or None,
        "lastName": person.last_name or None,
        "contactNumber": person.contact_number or None,
        "email": person.email,
        "organizations": organizations,
        "firstAcceptedTermsAndConditions": person.first_accepted_terms_at,
        "lastAcceptedTermsAndConditions": person.latest_accepted_terms_at,
        "supportUser": person.is_support,
        "permissionPolicy": row.statements,
        "dtEndAccess": row.access_ends_at,
        **audit(row),
    }


def invitation(row: Invitation) -> dict[str, Any]:
    """An invitation; its link is in the mail only (A3.3)."""
    return {
        **identity(row),
        "email": row.email,
        "firstName": row.first_name or None,
        "lastName": row.last_name or None,
        "contactNumber": row.contact_number or None,
        "permissionPolicyIds": row.policy_ids,
        "dtEndAccess": row.access_ends_at,
        "dtExpiry": row.expires_at,
        "invitingPrincipalId": text(row.created_by),
        "accepted": row.is_accepted,
        **audit(row),
    }


def support_access(row: SupportAccess) -> dict[str, Any]:
    """Until when support users may enter, and what they may do (A7.1)."""
    return {
        **identity(row),
        "dtEndSupportUsersAccess": row.ends_at,
        "supportUsersPermissionPolicy": row.statements,
    }


def sign_in_settings(row: SignInSettings) -> dict[str, Any]:
    """What an organization asks of people who sign in; of the secret only that there is one."""
    return {
        **identity(row),
        "requiresSecondFactor": row.requires_second_factor,
        "providerIssuer": row.provider_issuer,
        "providerClientId": row.provider_client_id,
        "hasProviderSecret": bool(row.provider_secret),
        "providerDomains": row.provider_domains,
        "requiresProvider": row.requires_provider,
        **audit(row),
    }


def provider_identity(row: ProviderIdentity) -> dict[str, Any]:
    """Whom an organization's provider means by a subject."""
    return {
        **identity(row),
        "userId": str(row.user_id),
        "issuer": row.issuer,
        "subject": row.subject,
        **audit(row),
    }
