"""A person's own page: name, password, second factor, open sessions, tokens for the API."""

from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from organizations import audit, personal_tokens, tokens
from organizations.kernel import clock
from organizations.kernel.console import show as looks
from organizations.kernel.console.forms import PlainForm
from organizations.models import AccessKey, AccessKeyStatus, PersonalToken
from organizations.signin import profile, second_factor, sessions, trail
from organizations.signin.pages.frame import own_account, page, redirect, signed_in


class ProfileForm(PlainForm):
    """How the person is called and reached."""

    first_name = forms.CharField(max_length=100)
    last_name = forms.CharField(max_length=100)
    contact_number = forms.CharField(max_length=50, required=False)


@signed_in
@require_http_methods(["GET", "POST"])
def show(request: HttpRequest) -> HttpResponse:
    """Show the page; a POST saves the names."""
    if request.method == "POST":
        return _save(request)
    person = request.user
    values = {name: getattr(person, name) for name in ProfileForm.base_fields}
    return _page(request, ProfileForm(initial=values))


@own_account
def _save(request: HttpRequest) -> HttpResponse:
    form = ProfileForm(request.POST)
    if not form.is_valid():
        return _page(request, form)
    profile.change(request.user, **form.cleaned_data)
    messages.success(request, "Your profile is saved.")
    return redirect("signin:profile")


def _page(request: HttpRequest, form: ProfileForm) -> HttpResponse:
    person, now = request.user, clock.now()
    is_by_provider = sessions.way_of(request).is_provider
    live = PersonalToken.objects.filter(user=person, expires_at__gt=now)
    opened = sessions.open_sessions(person)
    if is_by_provider:  # the person's other organizations are none of this one's business
        live = live.filter(organization=request.organization)
        opened = opened.filter(pk=sessions.current_id(request))
    return page(
        request,
        "profile",
        title="Your profile",
        form=form,
        person=person,
        by_provider=is_by_provider,
        has_factor=second_factor.is_set_up(person),
        remaining_codes=second_factor.remaining_codes(person),
        open_sessions=[(row, sessions.browser_of(row.user_agent)) for row in opened],
        this_session=sessions.current_id(request),
        live_tokens=live.select_related("organization").order_by("-created_at", "-pk"),
    )


@own_account
@require_POST
def end_session(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """End another open session of the person."""
    if session_id != sessions.current_id(request) and sessions.end(request.user, session_id):
        messages.success(request, "The session is ended.")
    return redirect("signin:profile")


@own_account
@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """End every other open session of the person."""
    ended = sessions.end_all(request.user, but=request)
    trail.record(request.user, "sessions ended", count=ended)
    messages.success(request, f"{ended} other session{'' if ended == 1 else 's'} ended.")
    return redirect("signin:profile")


@signed_in
@require_POST
def mint_token(request: HttpRequest) -> HttpResponse:
    """Make a bearer token of the person for the organization they work in, shown once (B11.3)."""
    if request.principal is None:
        return redirect("signin:organizations")
    bearer = personal_tokens.mint(request.user, by=request.principal)
    return _show_token(request, bearer, str(request.user), back="signin:profile")


@own_account
@require_POST
def revoke_tokens(request: HttpRequest) -> HttpResponse:
    """End every token the person has minted."""
    count = personal_tokens.revoke_all(request.user)
    trail.record(request.user, "tokens revoked", count=count)
    messages.success(request, f"{count} token{'' if count == 1 else 's'} revoked.")
    return redirect("signin:profile")


@signed_in
@require_GET
def ask_key_token(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """Ask before a token is made for a service user's key."""
    key = _key(request, key_id)
    if key is None:
        return redirect("admin:index")
    return page(request, "token", title="Mint a token", key=key, back=_back(key))


@signed_in
@require_POST
def mint_key_token(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """Make a bearer token for a key, for clients that cannot ask for one themselves (B11.3)."""
    key = _key(request, key_id)
    if key is None:
        return redirect("admin:index")
    audit.record(request.principal, "token minted", "config:accessKey", key.pk)
    return _show_token(request, tokens.token_for(key), str(key.service_user), key=key)


def key_token(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """Ask, then mint."""
    return (mint_key_token if request.method == "POST" else ask_key_token)(request, key_id)


def _key(request: HttpRequest, key_id: UUID) -> AccessKey | None:
    """Return an active key of the organization whose service user the person may change."""
    key = AccessKey.objects.filter(
        pk=key_id, organization=request.organization, status=AccessKeyStatus.ACTIVE
    ).select_related("service_user").first()  # fmt: skip
    if key is None or not request.permissions.allows_verb(
        "change", "config:serviceUser", key.service_user_id
    ):
        messages.error(request, "There is no such key that you may use.")
        return None
    return key


def _back(key: AccessKey) -> str:
    return looks.address(key.service_user)


def _show_token(
    request: HttpRequest, bearer: str, whose: str, *, key: AccessKey | None = None, back: str = ""
) -> HttpResponse:
    ends = clock.now().timestamp() + settings.ACCESS_TOKEN_LIFETIME_SECONDS
    return page(
        request,
        "token",
        title="New token",
        bearer=bearer,
        whose=whose,
        ends=sessions.instant(ends),
        back=reverse(back) if back else _back(key) if key else reverse("admin:index"),
    )
