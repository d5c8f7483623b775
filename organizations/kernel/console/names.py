"""Who is behind the ids of created by, modified by and audit entries."""

from collections.abc import Iterable
from uuid import UUID

from organizations.kernel.principals import SYSTEM_ID
from organizations.models import ServiceUser, User


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
