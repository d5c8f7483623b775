"""Who is behind the ids of created by, modified by and audit entries."""

from collections.abc import Iterable
from uuid import UUID

from django.http import HttpRequest
from django.utils.html import format_html

from organizations.kernel.console import linking, show
from organizations.kernel.principals import SYSTEM_ID
from organizations.models import Membership, ServiceUser, User


def of(principal_ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """Return the name of each known person, service user or the system; two queries."""
    wanted = {each for each in principal_ids if each is not None}
    found = {SYSTEM_ID: "Billwright"} if SYSTEM_ID in wanted else {}
    wanted -= found.keys()
    if wanted:
        found |= dict(ServiceUser.objects.filter(pk__in=wanted).values_list("pk", "name"))
        for user in User.objects.filter(pk__in=wanted):
            found[user.pk] = user.get_full_name()
    return found


def linked(request: HttpRequest, principal_ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """As ``of``, each name a link to the page of its owner where this person may see it.

    People who have left and service users that were deleted keep their name without a link. At
    most four queries, however many ids.
    """
    known = of(principal_ids)
    pages: dict[UUID, str] = {}
    if known:
        rows = Membership.objects.for_organization(request.organization).filter(user_id__in=known)
        pages |= {row.user_id: show.address(row) for row in linking.seen(request, rows)}
        robots = ServiceUser.objects.for_organization(request.organization).filter(pk__in=known)
        pages |= {row.pk: show.address(row) for row in linking.seen(request, robots)}
    return {
        key: format_html('<a class="bw-link" href="{}">{}</a>', pages[key], name)
        if key in pages
        else name
        for key, name in known.items()
    }
