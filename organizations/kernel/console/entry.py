"""Set the organization and the principal of every console request, in this one place.

A person works in one organization at a time; the session remembers which. Membership is read
again on each request, so an ended access ends an open login at its next request (A2.8).
"""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import logout
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.urls import reverse

from organizations.kernel import clock, ids
from organizations.kernel.api import request_id
from organizations.kernel.console.permissions import Permissions
from organizations.kernel.principals import Principal
from organizations.models import Organization, OrganizationStatus, SupportAccess, User

PREFIX = "/admin/"
SESSION_KEY = "organization"


class ConsoleMiddleware:
    """Sets ``request.organization``, ``.organizations``, ``.principal`` and ``.permissions``.

    All four are empty for somebody who is not logged in. A person without any organization is
    logged out, one with a temporary password is sent to change it (A2.12).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(PREFIX):
            if _holds_nul(request):
                return HttpResponseBadRequest("Null characters are not allowed.")
            redirect = self._enter(request)
            if redirect is not None:
                return redirect
        return self.get_response(request)

    def _enter(self, request: HttpRequest) -> HttpResponse | None:
        request.organization, request.organizations = None, []
        request.principal, request.permissions = None, Permissions(None)
        user = request.user
        if not user.is_authenticated:
            return None
        request.organizations = organizations_of(user)
        request.organization = _chosen(request)
        if request.organization is None and not user.is_superuser:
            logout(request)
            messages.error(request, "Your access has ended. Ask an administrator to restore it.")
            return HttpResponseRedirect(reverse("admin:login"))
        if request.organization is not None:
            request.principal = _principal(request)
            request.permissions = Permissions(request.principal)
        return _ask_for_password(request)


def _holds_nul(request: HttpRequest) -> bool:
    """Say whether the query holds the character PostgreSQL refuses; forms check themselves."""
    return any("\x00" in text for _name, texts in request.GET.lists() for text in texts)


def organizations_of(user: User) -> list[Organization]:
    """Return the organizations the person may work in now, by name.

    Superusers may work in all active ones, support users in those that let them in (A7.4).
    """
    organizations = Organization.objects.filter(status=OrganizationStatus.ACTIVE)
    if not user.is_superuser:
        current = Q(access_ends_at__isnull=True) | Q(access_ends_at__gt=clock.now())
        own = Q(pk__in=user.memberships.filter(current).values("organization_id"))
        if user.is_support:
            windows = SupportAccess.objects.filter(ends_at__gt=clock.now())
            own |= Q(pk__in=windows.values("organization_id"))
        organizations = organizations.filter(own)
    return list(organizations.order_by("name", "pk"))


def choose(request: HttpRequest, organization_id: UUID) -> bool:
    """Remember the organization to work in; False when it is not one of the person's."""
    if organization_id not in {organization.pk for organization in request.organizations}:
        return False
    request.session[SESSION_KEY] = str(organization_id)
    return True


def _chosen(request: HttpRequest) -> Organization | None:
    wanted = ids.parse(request.session.get(SESSION_KEY))
    for organization in request.organizations:
        if organization.pk == wanted:
            return organization
    return request.organizations[0] if request.organizations else None


def _principal(request: HttpRequest) -> Principal:
    return Principal(
        id=request.user.pk,
        kind="USER",
        organization_id=request.organization.pk,
        is_superuser=request.user.is_superuser,
        source_address=request.META.get("REMOTE_ADDR") or None,
        request_id=request_id.current(),
    )


def _ask_for_password(request: HttpRequest) -> HttpResponse | None:
    change, leave = reverse("admin:password_change"), reverse("admin:logout")
    if not request.user.must_change_password or request.path in {change, leave}:
        return None
    messages.info(request, "Choose a password of your own before you go on.")
    return HttpResponseRedirect(change)
