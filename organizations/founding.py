"""Found an organization: tenant, settings, currency, policies and its first people, at once."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction

from organizations import policies, tokens
from organizations.kernel import changes, clock, ids, isolation, principals
from organizations.models import (
    Currency,
    CustomFieldDefaults,
    Membership,
    Organization,
    OrganizationConfig,
    PermissionPolicy,
    PolicyAttachment,
    PrincipalType,
    ServiceUser,
    SignInSettings,
    User,
)

TEMPORARY_PASSWORD_LASTS = timedelta(days=30)  # A2.12
ADMINISTRATOR = "Administrator"
READ_ONLY = "ReadOnly"
CUSTOM_POLICIES = {
    "Billing operations": [
        {
            "effect": "allow",
            "action": ["config:create", "config:retrieve", "config:update", "config:delete"],
            "resource": ["billing:bill", "billing:billLineItem", "billing:billJob",
                         "billing:billConfig", "billing:statementJob"],
        }
    ],
    "Ingest only": [
        {"effect": "allow", "action": ["measurements:upload"], "resource": ["*"]}
    ],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Founded:
    """What the founder must be told; secret and password cannot be read again."""

    organization: Organization
    service_user: ServiceUser
    access_key_id: str
    api_secret: str
    admin: User
    admin_password: str | None


def found(*, name: str, admin_email: str, admin_password: str | None = None) -> Founded:
    """Make an organization with everything it needs to bill, in one transaction (A1.4).

    A person with this e-mail who exists already is joined and keeps their password; for a new
    one a password is made when none is given, and that one is temporary.
    """
    organization_id = ids.new_id()
    with isolation.within(organization_id), transaction.atomic():
        organization = Organization.objects.create(id=organization_id, name=name)
        system = principals.system(organization.pk)
        changes.create(Currency(organization=organization, name="US dollar", code="USD"), by=system)
        changes.create(OrganizationConfig(organization=organization), by=system)
        changes.create(CustomFieldDefaults(organization=organization), by=system)
        changes.create(SignInSettings(organization=organization), by=system)
        administrator = _make_policies(organization, system)
        admin, password = _admin(admin_email, admin_password)
        changes.create(Membership(organization=organization, user=admin), by=system)
        service_user = changes.create(
            ServiceUser(organization=organization, name=f"{name} administrator"), by=system
        )
        for kind, principal_id in (
            (PrincipalType.USER, admin.pk),
            (PrincipalType.SERVICEUSER, service_user.pk),
        ):
            changes.create(
                PolicyAttachment(
                    organization=organization,
                    policy=administrator,
                    principal_type=kind,
                    principal_id=principal_id,
                ),
                by=system,
            )
        key, secret = tokens.make_key(service_user, created_by=system.id)
    return Founded(organization, service_user, str(key.pk), secret, admin, password)


def _make_policies(organization: Organization, by: principals.Principal) -> PermissionPolicy:
    """Make the two managed policies and the two we ship; return Administrator (A5.7)."""
    managed = {ADMINISTRATOR: policies.ADMINISTRATOR, READ_ONLY: policies.READ_ONLY}
    made = {
        name: changes.create(
            PermissionPolicy(
                organization=organization,
                name=name,
                statements=[dict(statement) for statement in statements],
                is_managed=name in managed,
            ),
            by=by,
        )
        for name, statements in {**managed, **CUSTOM_POLICIES}.items()
    }
    return made[ADMINISTRATOR]


def _admin(email: str, password: str | None) -> tuple[User, str | None]:
    existing = User.objects.filter(email__iexact=email).first()
    if existing is not None:
        return existing, None
    is_temporary = password is None
    password = password or secrets.token_urlsafe(12)
    ends = clock.now() + TEMPORARY_PASSWORD_LASTS if is_temporary else None
    admin = User.objects.create_user(
        email, password, must_change_password=is_temporary, temporary_password_expires_at=ends
    )
    return admin, password
