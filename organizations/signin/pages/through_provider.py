"""Sign in through an organization's provider: which one, there, and back."""

from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods
from unfold.widgets import UnfoldAdminEmailInputWidget

from organizations.kernel import ids
from organizations.kernel.errors import DomainError
from organizations.models import OrganizationStatus, SignInSettings
from organizations.signin import provider, recognition
from organizations.signin.pages.arriving import arrive
from organizations.signin.pages.frame import page, wanted_page
from organizations.signin.sessions import Way

UNDER_WAY = "provider_sign_in"


class EmailForm(forms.Form):
    """The address whose domain tells the organization."""

    email = forms.EmailField(
        label="E-mail", widget=UnfoldAdminEmailInputWidget(attrs={"autofocus": True})
    )


@never_cache
@require_http_methods(["GET", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """Find the organization by the domain of an address; whose address it is plays no part."""
    form = EmailForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return _page(request, "provider", form=form)
    email = form.cleaned_data["email"]
    found = _of_domain(email.rpartition("@")[2].lower())
    if not found:
        form.add_error("email", "No organization signs in addresses of this domain.")
        return _page(request, "provider", form=form)
    providers = {(row.provider_issuer, row.provider_client_id) for row in found}
    if len(providers) == 1:
        return _depart(request, found[0], email)
    return _page(request, "provider_choice", rows=found, email=email)


@never_cache
@require_GET
def start(request: HttpRequest, organization_id: UUID) -> HttpResponse:
    """Sign in for one organization: the address it may hand to its people."""
    row = _current(organization_id)
    if row is None:
        return _page(request, "provider_failed", status=404,
                     refusal="This organization has no sign-in provider.")  # fmt: skip
    return _depart(request, row, request.GET.get("email", ""))


@never_cache
@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    """Take what the provider says; members and invited people are in."""
    under_way = request.session.get(UNDER_WAY) or {}
    row = _current(ids.parse(under_way.get("organization")))
    try:
        if row is None:
            raise provider.ProviderFailed("This sign-in was not begun here, or long ago.")
        person = recognition.admit(row, provider.claims_of(request, row))
    except DomainError as refusal:
        again = row and row.organization_id
        return _page(
            request, "provider_failed", refusal=refusal.message, again=again,
            status=refusal.status_code,
        )  # fmt: skip
    request.session.pop(UNDER_WAY, None)
    way = Way(row.provider_issuer, row.provider_client_id)
    return arrive(request, person, way, under_way["next"], row.organization_id)


def _depart(request: HttpRequest, row: SignInSettings, email: str) -> HttpResponse:
    request.session[UNDER_WAY] = {
        "organization": str(row.organization_id),
        "next": wanted_page(request),
    }
    try:
        return provider.redirect_to(request, row, email=email[:254])
    except provider.ProviderFailed as refusal:
        return _page(request, "provider_failed", refusal=refusal.message,
                     again=row.organization_id, status=502)  # fmt: skip


def _current(organization_id: UUID | None) -> SignInSettings | None:
    row = SignInSettings.objects.filter(
        organization_id=organization_id, organization__status=OrganizationStatus.ACTIVE
    ).first()
    return row if row is not None and row.has_provider else None


def _of_domain(domain: str) -> list[SignInSettings]:
    """Return the settings of the organizations that claim a domain, by name."""
    rows = SignInSettings.objects.filter(
        provider_domains__contains=[domain], organization__status=OrganizationStatus.ACTIVE
    ).exclude(provider_issuer="")
    return list(rows.select_related("organization").order_by("organization__name", "pk"))


def _page(
    request: HttpRequest, template: str, *, status: int = 200, **context: Any
) -> HttpResponse:
    response = page(request, template, title="Single sign-on", status=status, **context)
    # Submitting the form leads to a provider somewhere else: browsers ask the policy about that.
    response.leads_elsewhere = True
    return response
