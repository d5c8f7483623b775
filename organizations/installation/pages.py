"""Console pages of an installation's organizations, for its operators only (A1.4)."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from organizations import founding
from organizations.installation import standing
from organizations.installation.forms import FoundingForm
from organizations.kernel.console import entry
from organizations.kernel.errors import DomainError, NotFound
from organizations.models import OrganizationStatus
from organizations.signin import sessions
from organizations.signin.pages.frame import redirect

View = Callable[..., HttpResponse]
TEMPLATES = "organizations/installation"
A_PAGE = 50
DEEDS = {"archive": standing.archive, "activate": standing.activate}


def for_operators(view: View) -> View:
    """Let in the operators of the installation; others log in first, or are refused."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect("admin:login", next=request.get_full_path())
        if not sessions.is_operator(request):
            raise PermissionDenied
        response = view(request, *args, **kwargs)
        add_never_cache_headers(response)
        return response

    return guarded


@for_operators
@require_GET
def organizations(request: HttpRequest) -> HttpResponse:
    """List them by name."""
    search, status = request.GET.get("q", "").strip(), request.GET.get("status", "")
    if status not in OrganizationStatus.values:
        status = ""
    rows = Paginator(standing.listed(search, status), A_PAGE)
    return page(
        request,
        f"{TEMPLATES}/organizations.html",
        title="Organizations",
        rows=rows.get_page(request.GET.get("page")),
        search=search,
        status=status,
        statuses=OrganizationStatus.choices,
    )


@for_operators
@require_http_methods(["GET", "POST"])
def found(request: HttpRequest) -> HttpResponse:
    """Ask for name and administrator, then show once what cannot be read again."""
    form = FoundingForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        answers = form.cleaned_data
        try:
            founded = founding.found(
                name=answers["name"],
                admin_email=answers["admin_email"],
                kind=answers["type"],
                organization_id=answers["id"],
                by=entry.principal_of(request, answers["id"]),
            )
        except DomainError as refusal:
            form.show_refusal(refusal)
        else:
            return _founded(request, founded)
    context = {"form": form, "submit": "Found organization", "back": _list()}
    return page(request, f"{TEMPLATES}/new.html", title="New organization", **context)


def _founded(request: HttpRequest, founded: founding.Founded) -> HttpResponse:
    shown = [
        ("Organization id", founded.organization.pk),
        ("Access key id", founded.access_key_id),
        ("API secret", founded.api_secret),
        ("Administrator", founded.admin.email),
    ]
    if founded.admin_password:
        shown.append(("Temporary password", founded.admin_password))
    context = {"founded": founded, "shown_once": shown, "back": _list()}
    return page(request, f"{TEMPLATES}/founded.html", title="New organization", **context)


@for_operators
@require_GET
def organization(request: HttpRequest, organization_id: UUID) -> HttpResponse:
    """Show one, with what archiving does to it."""
    row = standing.listed().filter(pk=organization_id).first()
    if row is None:
        raise Http404
    return page(request, f"{TEMPLATES}/organization.html", title=row.name, row=row)


@for_operators
@require_POST
def set_status(request: HttpRequest, organization_id: UUID, deed: str) -> HttpResponse:
    """Archive or activate one, as it was when the page was read; archiving wants a tick too."""
    place = reverse("installation:organization", args=[organization_id])
    if deed == "archive" and request.POST.get("confirmed") != "yes":
        messages.error(request, "Nothing was done: tick that everybody in it may be locked out.")
        return HttpResponseRedirect(place)
    sent = request.POST.get("_version", "")
    try:
        row = DEEDS[deed](
            organization_id,
            by=entry.principal_of(request, organization_id),
            version=int(sent) if sent.isdecimal() and len(sent) < 19 else None,
        )
    except NotFound as missing:
        raise Http404 from missing
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, f"{row.name} is {row.get_status_display().lower()} now.")
    return HttpResponseRedirect(place)


def _list() -> str:
    return reverse("installation:organizations")


def page(request: HttpRequest, template: str, **context: Any) -> HttpResponse:
    """Return a page in the console's frame, with what it leaves out without an organization."""
    content = {
        **admin.site.each_context(request),
        "sidebar_navigation": admin.site.get_sidebar_list(request),
        "sidebar_show_search": False,
        "list_url": _list(),
        **context,
    }
    return TemplateResponse(request, template, content)
