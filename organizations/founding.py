"""Found an organization: tenant, settings, currency, policies and its first people, at once."""

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from organizations import policies, tokens
from organizations.kernel import changes, clock, ids, isolation, principals
from organizations.kernel.errors import FieldRefused
from organizations.kernel.principals import Principal
from organizations.models import (
    Currency,
    CustomFieldDefaults,
    Membership,
    Organization,
    OrganizationConfig,
    OrganizationType,
    PermissionPolicy,
    PolicyAttachment,
    PrincipalType,
    ServiceUser,
    SignInSettings,
    User,
)

TEMPORARY_PASSWORD_LASTS = timedelta(days=30)  # A2.12
MAX_NAME = 200
NAME_PART = 180  # of the organization's name, in that of its first service user
ADMINISTRATOR = "Administrator"
READ_ONLY = "ReadOnly"
CUSTOM_POLICIES = {
    "Billing operations": [
        {
            "effect": "allow",
            "action": ["config:create", "config:retrieve", "config:update", "config:delete"],
            "resource": ["billing:bill", "billing:billLineItem", "billing:billJob",
                         "billing:billConfig", "billing:statementJob", "config:rehearsal",
                         "config:lateUsage", "config:lateUsageRule"],
        },
        # Rehearsals and late usage are lists of accounts.
        {"effect": "allow", "action": ["config:retrieve"], "resource": ["config:account"]},
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


def found(
    *,
    name: str,
    admin_email: str,
    admin_password: str | None = None,
    kind: str = OrganizationType.PRODUCTION,
    organization_id: UUID | None = None,
    by: Principal | None = None,
) -> Founded:
    """Make an organization with everything it needs to bill, in one transaction (A1.4).

    A person with this e-mail who exists already is joined and keeps their password; for a new
    one a password is made when none is given, and that one is temporary. ``organization_id`` makes
    the call safe to repeat: the second one is refused. ``by`` is the operator who asks, the system
    where nobody is known. Raises ``DomainError``, and then nothing was made.
    """
    name = _checked_name(name)
    _check_email(admin_email)
    _check_password(admin_email, admin_password)
    organization_id = organization_id or ids.new_id()
    by = replace(by or principals.system(organization_id), organization_id=organization_id)
    with isolation.within(organization_id), transaction.atomic():
        organization = Organization(id=organization_id, name=name, type=kind)
        changes.create(organization, by=by)
        changes.create(Currency(organization=organization, name="US dollar", code="USD"), by=by)
        changes.create(OrganizationConfig(organization=organization), by=by)
        changes.create(CustomFieldDefaults(organization=organization), by=by)
        changes.create(SignInSettings(organization=organization), by=by)
        administrator = _make_policies(organization, by)
        admin, password = _admin(admin_email, admin_password)
        changes.create(Membership(organization=organization, user=admin), by=by)
        service_user = changes.create(
            ServiceUser(organization=organization, name=f"{name[:NAME_PART]} administrator"), by=by
        )
        _attach(administrator, PrincipalType.USER, admin.pk, by)
        _attach(administrator, PrincipalType.SERVICEUSER, service_user.pk, by)
        key, secret = tokens.make_key(service_user, created_by=by.id)
    return Founded(organization, service_user, str(key.pk), secret, admin, password)


def _attach(policy: PermissionPolicy, kind: PrincipalType, holder: UUID, by: Principal) -> None:
    changes.create(
        PolicyAttachment(
            organization_id=policy.organization_id,
            policy=policy,
            principal_type=kind,
            principal_id=holder,
        ),
        by=by,
    )


def _checked_name(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME or "\x00" in name:
        raise FieldRefused("name", f"must have 1 to {MAX_NAME} characters")
    return name


def _check_email(email: str) -> None:
    try:
        validate_email(email)
    except ValidationError as error:
        raise FieldRefused("adminEmail", "must be an e-mail address") from error


def _check_password(email: str, password: str | None) -> None:
    """Ask what the console asks of a password, with all that is wrong with it."""
    if password is None:
        return
    try:
        password_validation.validate_password(password, User(email=email))
    except ValidationError as error:
        raise FieldRefused("adminPassword", " ".join(error.messages)) from error


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
