"""List the organizations of an installation; archive them and bring them back (A1.3, A1.5)."""

from dataclasses import replace
from uuid import UUID

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from organizations import tokens
from organizations.kernel import changes, ids, isolation
from organizations.kernel.errors import DomainError
from organizations.kernel.principals import Principal
from organizations.models import (
    AccessKey,
    AccessKeyStatus,
    Membership,
    Organization,
    OrganizationStatus,
)


class StandsAlready(DomainError):
    """Somebody else was quicker, or a page was sent twice."""

    def __init__(self, organization: Organization) -> None:
        word = organization.get_status_display().lower()
        super().__init__(f"{organization.name} is {word} already.")


def listed(search: str = "", status: str = "") -> QuerySet:
    """Return organizations by name, with their numbers of people and of keys that work.

    ``search`` is a part of a name or a whole id. To be asked ``everywhere``.
    """
    rows = Organization.objects.annotate(
        people=_count(Membership.objects.all()),
        working_keys=_count(AccessKey.objects.filter(status=AccessKeyStatus.ACTIVE)),
    )
    if status:
        rows = rows.filter(status=status)
    if search:
        named = Q(name__icontains=search) | Q(short_name__icontains=search)
        identity = ids.parse(search.lower())
        rows = rows.filter(named | Q(pk=identity) if identity else named)
    return rows.order_by("name", "pk")


def _count(rows: QuerySet) -> Coalesce:
    own = rows.filter(organization_id=OuterRef("pk")).order_by()
    counted = own.values(owner=F("organization_id")).annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted), 0)


def archive(organization_id: UUID, *, by: Principal, version: int | None = None) -> Organization:
    """End all work for an organization: its API answers 403 (A1.5), nobody enters its console,
    and nothing is billed by itself. Its rows stay.

    Tokens given before end within ``tokens.KEY_CACHE_SECONDS``. Raises ``StandsAlready``,
    ``VersionMismatch`` or ``NotFound``.
    """
    return _set(organization_id, OrganizationStatus.ARCHIVED, by, version)


def activate(organization_id: UUID, *, by: Principal, version: int | None = None) -> Organization:
    """Let an archived organization work again, with the keys and people it had.

    Raises as ``archive`` does.
    """
    return _set(organization_id, OrganizationStatus.ACTIVE, by, version)


def _set(
    organization_id: UUID, status: OrganizationStatus, by: Principal, version: int | None
) -> Organization:
    within = replace(by, organization_id=organization_id)
    with isolation.within(organization_id):
        wanted = Organization(pk=organization_id)
        with changes.editing(wanted, by=within, version=version) as row:
            if row.status == status:
                raise StandsAlready(row)
            row.status = status
    tokens.forget_keys()
    return row
