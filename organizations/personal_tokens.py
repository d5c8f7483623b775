"""Bearer tokens people mint for themselves, for a client that cannot ask for one (B11.3).

A token acts as the person in one organization for ``ACCESS_TOKEN_LIFETIME_SECONDS``. Unlike a
token of a key it has a row, asked for on every request: it is dead at once when the person's access
ends, the password changes or the row is deleted. Such calls are rare enough to afford it.
"""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection

from organizations import audit, tokens
from organizations.kernel import clock, ids, isolation
from organizations.kernel.principals import Principal
from organizations.models import PersonalToken, User

# One query a call: the token, its person, and the three ways to be somebody in an organization.
IS_USABLE = """
    SELECT person.is_superuser, member.id IS NULL
    FROM organizations_personaltoken token
    JOIN organizations_user person ON person.id = token.user_id AND person.is_active
    JOIN organizations_organization organization
        ON organization.id = token.organization_id AND organization.status = 'ACTIVE'
    LEFT JOIN organizations_membership member
        ON member.organization_id = token.organization_id AND member.user_id = token.user_id
        AND (member.access_ends_at IS NULL OR member.access_ends_at > %(now)s)
    LEFT JOIN organizations_supportaccess support
        ON support.organization_id = token.organization_id AND person.is_support
        AND support.ends_at > %(now)s
    WHERE token.id = %(token)s AND token.organization_id = %(organization)s
        AND token.user_id = %(person)s AND NOT person.must_change_password
        AND (member.id IS NOT NULL OR support.id IS NOT NULL OR person.is_superuser)
"""


def mint(user: User, *, by: Principal) -> str:
    """Return a token for the person in the organization they work in; shown once, not stored."""
    now = clock.now()
    PersonalToken.objects.filter(user=user, expires_at__lt=now).delete()
    row = PersonalToken.objects.create(
        id=ids.new_id(),
        organization_id=by.organization_id,
        user=user,
        expires_at=now + timedelta(seconds=settings.ACCESS_TOKEN_LIFETIME_SECONDS),
        created_by=by.id,
        modified_by=by.id,
    )
    audit.record(by, "token minted", "config:orgUser", user.pk)
    return tokens.token_for_person(row.pk, user.pk, by.organization_id, row.expires_at)


def standing(token_id: UUID, user_id: UUID, organization_id: UUID) -> tuple[bool, bool] | None:
    """Return (is operator, is no member) of a token's person now, None when it is dead."""
    asked = {
        "token": token_id, "person": user_id, "organization": organization_id, "now": clock.now(),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(IS_USABLE, asked)
        found = cursor.fetchone()
    return found and (bool(found[0]), bool(found[1]))


def revoke_in(organization_id: UUID) -> int:
    """End every token of people in an organization; returns how many there were."""
    deleted, _ = PersonalToken.objects.for_organization(organization_id).delete()
    return deleted


@isolation.everywhere()
def revoke_all(user: User) -> int:
    """End every token of the person, in all organizations; returns how many there were."""
    deleted, _ = PersonalToken.objects.filter(user=user).delete()
    return deleted
