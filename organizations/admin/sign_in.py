"""The page on which an organization says how its people sign in."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextInputWidget,
    UnfoldAdminURLInputWidget,
)

from organizations import personal_tokens
from organizations.admin.settings import OneRowAdmin
from organizations.kernel import changes, ids
from organizations.kernel.console import show
from organizations.kernel.console.forms import ConsoleForm
from organizations.kernel.errors import DomainError, FieldRefused
from organizations.models import ProviderIdentity, SignInSettings
from organizations.signin import provider, rules, sessions

SHOWN = 500  # people the provider knows, by address


class DomainsField(forms.CharField):
    """Domains, one after the other."""

    widget = UnfoldAdminTextInputWidget

    def prepare_value(self, value: Any) -> Any:
        """Return what stands in the box."""
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:
        """Return the domains in lower case, each once."""
        words = str(value or "").replace(",", " ").lower().split()
        return list(dict.fromkeys(word.removeprefix("@") for word in words))

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare lists of domains, not how they are written."""
        return (initial or []) != self.to_python(data)


class SignInForm(ConsoleForm):
    """Second factor and provider; the secret goes in and never comes out."""

    provider_issuer = forms.URLField(
        label="Issuer",
        required=False,
        max_length=500,
        assume_scheme="https",
        widget=UnfoldAdminURLInputWidget,
        help_text="Address of the OpenID Connect provider, as it calls itself, such as "
        "https://login.example.com",
    )
    provider_domains = DomainsField(
        label="E-mail domains",
        required=False,
        help_text="Only addresses of these domains are let in, and typing one at the login leads "
        "to the provider. Empty: all that the provider has verified.",
    )
    new_secret = forms.CharField(
        label="Client secret",
        required=False,
        strip=True,
        max_length=500,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        help_texts = {
            "requires_second_factor": "People set one up before anything else. Who comes through "
            "the provider is not asked: it has its own.",
            "requires_provider": "Passwords open nothing here any more. Support users and "
            "operators of the installation give a second factor instead.",
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "new_secret" in self.fields:
            is_kept = bool(self.instance.provider_secret)
            text = "Stored; leave empty to keep it." if is_kept else "Stored sealed, never shown."
            self.fields["new_secret"].help_text = text


@admin.register(SignInSettings)
class SignInSettingsAdmin(OneRowAdmin):
    """How people sign in to this organization."""

    form = SignInForm
    fieldsets = [
        ("Second factor", {"fields": ["requires_second_factor"]}),
        (
            "Sign-in provider (OpenID Connect)",
            {
                "fields": [
                    "provider_issuer", "provider_client_id", "new_secret", "provider_domains",
                    "requires_provider", "callback", "own_address",
                ]
            },
        ),
    ]  # fmt: skip
    readonly_fields = ["callback", "own_address"]
    change_form_outer_after_template = "console/provider_people.html"

    def title_of(self, row: SignInSettings) -> str:
        """It is called the same everywhere."""
        return "Sign-in"

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> Any:
        """Add whom the provider knows; a POST of that table's own form unlinks one."""
        row = self.get_object(request, object_id)
        extra = {**(options.pop("extra_context", None) or {})}
        if row is not None:
            known = ProviderIdentity.objects.for_organization(row.organization_id)
            if "unlink" in request.POST:
                return self._unlink(request, row, known)
            extra["identities"] = known.select_related("user").order_by("user__email", "pk")[:SHOWN]
            extra["may_unlink"] = self.has_change_permission(request, row)
        return super().change_view(request, object_id, *args, extra_context=extra, **options)

    def _unlink(self, request: HttpRequest, row: SignInSettings, known: QuerySet) -> HttpResponse:
        found = known.filter(pk=ids.parse(request.POST["unlink"])).first()
        if found is None or not self.has_change_permission(request, row):
            raise PermissionDenied
        changes.delete(found, by=request.principal)
        messages.success(request, "Unlinked. The next sign-in goes by the e-mail address again.")
        return HttpResponseRedirect(show.address(row))

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **options: Any
    ) -> HttpResponse:
        """Discover a new provider first: the page saves in a transaction, which calls nobody."""
        row = self.get_object(request, object_id) if request.method == "POST" else None
        if row is not None and self.has_change_permission(request, row):
            request.console_refusal = _refusal(row, request.POST.get("provider_issuer", "").strip())
        return super().changeform_view(request, object_id, *args, **options)

    def prepare(self, request: HttpRequest, row: SignInSettings, form: Any) -> None:
        """Hold the row against the rules and seal a new secret."""
        rules.check(
            row,
            way=sessions.way_of(request),
            is_operator=request.principal.is_superuser,
        )
        rules.keep_secret(row, form.cleaned_data.get("new_secret", ""))
        if {"requires_second_factor", "requires_provider"} & set(form.changed_data):
            # A token says nothing of how its person had signed in.
            personal_tokens.revoke_in(row.organization_id)

    @display(description="Redirect address")
    def callback(self, row: SignInSettings) -> str:
        """What the provider wants to know."""
        return _copyable(provider.callback_address())

    @display(description="Sign-in address of your people")
    def own_address(self, row: SignInSettings) -> str:
        """Leads straight to the provider."""
        address = reverse("signin:provider_of", args=[row.organization_id])
        return _copyable(settings.PUBLIC_URL + address)


def _refusal(row: SignInSettings, issuer: str) -> DomainError | None:
    """Return what speaks against a new issuer: no address of one, or nobody there."""
    if not issuer or issuer == row.provider_issuer:
        return None
    try:
        rules.check_issuer(issuer)
        provider.check_reachable(issuer)
    except FieldRefused as refusal:
        return refusal
    except DomainError as refusal:
        return FieldRefused("providerIssuer", refusal.message)
    return None


def _copyable(text: str) -> str:
    return format_html(
        '<code class="bw-id">{}</code><button type="button" class="bw-copy" data-copy="{}">'
        "copy</button>",
        text,
        text,
    )
