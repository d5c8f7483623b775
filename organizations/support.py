"""Open and close an organization for the installation's support users (A7)."""

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from organizations import giving
from organizations.kernel import changes, clock
from organizations.kernel.errors import FieldRefused, VersionMismatch
from organizations.kernel.principals import Principal
from organizations.kernel.zones import zone_of
from organizations.models import PrincipalType, SupportAccess
from organizations.policy_coverage import gained


def access_of(organization_id: UUID) -> SupportAccess | None:
    """Return the window of an organization, None before the first one was set."""
    return SupportAccess.objects.for_organization(organization_id).first()


def grant(
    organization_id: UUID,
    *,
    ends_at: datetime,
    statements: list[dict[str, Any]],
    version: int | None,
    by: Principal,
) -> SupportAccess:
    """Set until when support users may enter and what they may do.

    The end is the organization's next midnight or later (A7.2). ``version`` may be None for the
    first window only.
    """
    midnight = _next_midnight(organization_id)
    if ends_at < midnight:
        shown = midnight.isoformat()
        raise FieldRefused(
            "dtEndSupportUsersAccess", f"must be tonight's midnight, {shown}, or later"
        )
    with transaction.atomic():
        row = access_of(organization_id)
        _require_to_open(row, organization_id, ends_at, statements, by)
        if row is None:
            return _first(organization_id, ends_at, statements, version, by)
        if version is None:
            raise FieldRefused("version", "is needed to update: the version you have read")
        with changes.editing(row, by=by, version=version) as changed:
            changed.ends_at = ends_at
            changed.statements = statements
        return changed


def _require_to_open(
    row: SupportAccess | None,
    organization_id: UUID,
    ends_at: datetime,
    statements: list[dict[str, Any]],
    by: Principal,
) -> None:
    """Refuse to give support users more than one has: new statements, or a longer window."""
    ended = clock.now() if row is None else max(row.ends_at, clock.now())
    if ends_at > ended:
        kind = PrincipalType.SUPPORTUSERS
        giving.require(by, giving.attached(organization_id, kind, [organization_id]), statements)
    elif row is not None:
        giving.require(by, statements=gained(row.statements, statements))


def _first(
    organization_id: UUID,
    ends_at: datetime,
    statements: list[dict[str, Any]],
    version: int | None,
    by: Principal,
) -> SupportAccess:
    if version not in (None, 1):
        raise VersionMismatch(sent=version, stored=1)
    # What was read before was version 1, though no row was stored (A7.3): this is the change.
    row = SupportAccess(
        id=organization_id,
        organization_id=organization_id,
        version=2,
        ends_at=ends_at,
        statements=statements,
    )
    return changes.create(row, by=by)


def _next_midnight(organization_id: UUID) -> datetime:
    zone = zone_of(organization_id)
    today = clock.now().astimezone(zone).date()
    return datetime.combine(today + timedelta(days=1), time(), zone)
