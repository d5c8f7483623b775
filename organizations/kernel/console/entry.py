"""Set the organization and the principal of every console request, in this one place.

A person works in one organization at a time; the session remembers which. Membership and what
the organization asks of a session (second factor, its own provider) are read again on each request,
so an ended access ends an open login at its next request (A2.8).
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from organizations import access
from organizations.kernel import clock, ids, isolation
from organizations.kernel.api import request_id
from organizations.kernel.api.scope import streamed
from organizations.kernel.console import denials
from organizations.kernel.console.permissions import Permissions
from organizations.kernel.principals import Principal
from organizations.models import (
    Membership,
    Organization,
    OrganizationStatus,
    SupportAccess,
    User,
)
from organizations.signin import admission, sessions, trail
from organizations.signin.admission import Barrier

PREFIX = "/admin/"
SIGN_IN = "/admin/sign-in/"
INSTALLATION = "/admin/installation/"  # operators' pages about whole organizations
SESSION_KEY = "organization"
PAGE_OF = "_organization"  # in each form: the organization its page was of


class ConsoleMiddleware:
    """Sets ``request.organization``, ``.organizations``, ``.principal`` and ``.permissions``.

    All four are empty for somebody who is not logged in. A person without any organization is
    logged out, one with a temporary password is sent to change it (A2.12), and one whose session
    lacks what the organization asks for is sent to give it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(PREFIX):
            if _holds_nul(request):
                return HttpResponseBadRequest("Null characters are not allowed.")
            with isolation.everywhere():
                redirect = self._enter(request)
            if redirect is not None:
                return redirect
            if _is_of_another_organization(request):
                return _told_so(request)
            with _scope(request):
                return streamed(denials.recorded(request, self.get_response(request)))
        return self.get_response(request)

    def _enter(self, request: HttpRequest) -> HttpResponse | None:
        request.organization, request.organizations = None, []
        request.principal, request.permissions = None, Permissions(None)
        user = request.user
        if not user.is_authenticated:
            return None
        if not sessions.keep_open(request):
            return _log_out(request, "You were logged out because your session was over. Log in.")
        way = sessions.way_of(request)
        request.organizations = admission.known_to(way, organizations_of(user))
        request.organization = _chosen(request)
        if request.organization is None and not user.is_superuser:
            return _log_out(request, "Your access has ended. Ask an administrator to restore it.")
        if redirect := _ask_for_password(request):
            return redirect
        if _is_for_installation(request):
            request.organization = None
            return None
        if redirect := _stop_at_barrier(request) or _lead_to_installation(request):
            return redirect
        if request.organization is not None:
            request.principal = principal_of(request, request.organization.pk)
            request.permissions = Permissions(request.principal)
            _tell_of_guest(request)
        return None


def _scope(request: HttpRequest) -> AbstractContextManager[None]:
    """Return what a page may see: the chosen organization.

    Signing in and a person's own account are about all the organizations they belong to, an
    operator's pages about those of the installation.
    """
    if _is_for_installation(request):
        return isolation.everywhere()
    own = {reverse("admin:login"), reverse("admin:password_change")}
    if request.path_info.startswith(SIGN_IN) or request.path_info in own:
        return isolation.everywhere()
    if request.organization is None:
        return isolation.nothing()
    return isolation.within(request.organization.pk)


def _is_for_installation(request: HttpRequest) -> bool:
    """Say whether an operator asks for a page that lies outside of every organization."""
    is_asked = request.path_info.startswith(INSTALLATION)
    return is_asked and request.user.is_authenticated and sessions.is_operator(request)


def _lead_to_installation(request: HttpRequest) -> HttpResponse | None:
    """Lead an operator from the dashboard to the organizations while there is none to work in."""
    is_lost = not request.organizations and request.path == reverse("admin:index")
    if not is_lost or not sessions.is_operator(request):
        return None
    return HttpResponseRedirect(reverse("installation:organizations"))


def _is_of_another_organization(request: HttpRequest) -> bool:
    """Say whether a form's page was of another organization than the one worked in now.

    A person changes over in all windows at once; a form opened before must not save elsewhere.
    """
    if request.method != "POST" or request.organization is None:
        return False
    # Changing over, leaving, and one's own account are of no organization.
    own = (f"{PREFIX}organization/", SIGN_IN, f"{PREFIX}logout/", f"{PREFIX}password_change/")
    if request.path_info.startswith(own):
        return False
    return request.POST.get(PAGE_OF, "") not in ("", str(request.organization.pk))


def _told_so(request: HttpRequest) -> HttpResponse:
    wanted = ids.parse(request.POST[PAGE_OF])
    theirs = next((one for one in request.organizations if one.pk == wanted), None)
    about = {"theirs": theirs, "ours": request.organization, "request_id": request_id.current()}
    return render(request, "organizations/errors/other_organization.html", about, status=409)


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


def principal_of(request: HttpRequest, organization_id: UUID) -> Principal:
    """Return the person of a request as who acts in an organization."""
    return Principal(
        id=request.user.pk,
        kind="USER",
        organization_id=organization_id,
        is_superuser=sessions.is_operator(request),
        source_address=request.META.get("REMOTE_ADDR") or None,
        request_id=request_id.current(),
    )


def _ask_for_password(request: HttpRequest) -> HttpResponse | None:
    change, leave = reverse("admin:password_change"), reverse("admin:logout")
    is_own = not sessions.way_of(request).is_provider
    if not request.user.must_change_password or request.path in {change, leave} or not is_own:
        return None
    messages.info(request, "Choose a password of your own before you go on.")
    return HttpResponseRedirect(change)


def _stop_at_barrier(request: HttpRequest) -> HttpResponse | None:
    """Lead to what the session lacks; pages that give it work without an organization."""
    # Neither of them shows anything of the organization.
    is_harmless = request.path.startswith(f"{PREFIX}organization/") or request.path == reverse(
        "admin:password_change"
    )
    if request.organization is None or is_harmless:
        return None
    way = sessions.way_of(request)
    standing = admission.barriers(request.user, [request.organization], way)
    barrier = standing.get(request.organization.pk)
    if barrier is None:
        return None
    name, request.organization = request.organization.name, None
    passable = {reverse("admin:logout"), reverse("admin:login")}
    if request.path.startswith(SIGN_IN) or request.path in passable:
        return None
    pages = {
        Barrier.CODE: "signin:confirm",
        Barrier.SECOND_FACTOR: "signin:second_factor",
    }
    messages.info(request, f"{name} asks for more: {barrier.value.lower()}.")
    onward = urlencode({"next": request.get_full_path()}) if request.method == "GET" else ""
    place = reverse(pages.get(barrier, "signin:organizations"))
    return HttpResponseRedirect(f"{place}?{onward}" if onward else place)


def _tell_of_guest(request: HttpRequest) -> None:
    """Audit what operators and support users ask for where they are no members (A5.13, A7.4).

    And what an operator asks for as a member whom policies do not allow everything.
    """
    if not (request.user.is_superuser or request.user.is_support):
        return
    members = Membership.objects.for_organization(request.organization)
    is_member = members.filter(user=request.user).exists()
    if is_member and not access.is_bypassing(request.principal):
        return
    trail.record_guest(request.principal, request.method or "", request.path)


def _log_out(request: HttpRequest, sentence: str) -> HttpResponse:
    sessions.leave(request)
    messages.error(request, sentence)
    return HttpResponseRedirect(reverse("admin:login"))
