"""How people, their invitations and keys look outside. Secrets and passwords never appear."""

from typing import Any

from organizations.kernel.representing import audit, identity
from organizations.models import AccessKey, Membership


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
        "firstName": person.first_name,
        "lastName": person.last_name,
        "contactNumber": person.contact_number,
        "email": person.email,
        "organizations": organizations,
        "firstAcceptedTermsAndConditions": person.first_accepted_terms_at,
        "lastAcceptedTermsAndConditions": person.latest_accepted_terms_at,
        "supportUser": person.is_support,
        "permissionPolicy": row.statements,
        "dtEndAccess": row.access_ends_at,
        **audit(row),
    }
