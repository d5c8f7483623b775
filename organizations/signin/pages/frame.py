"""What the pages of signing in share: their frame, who may see them, where they lead."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache

from organizations.signin import sessions

View = Callable[..., HttpResponse]


def page(
    request: HttpRequest, template: str, *, status: int = 200, **context: Any
) -> TemplateResponse:
    """Return a page in the console's frame; nobody keeps a copy of it."""
    content = {**admin.site.each_context(request), **context}
    place = f"organizations/signin/{template}.html"
    response = TemplateResponse(request, place, content, status=status)
    response["Cache-Control"] = "no-store"
    return response


def signed_in(view: View) -> View:
    """Let only people who are logged in see a page; others log in first and come back."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect("admin:login", next=request.path)
        return view(request, *args, **kwargs)

    return never_cache(guarded)


def own_account(view: View) -> View:
    """Let a person change their account only in a session opened with their password.

    Whoever runs the provider of one organization could otherwise take over an account that other
    organizations know too.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if sessions.way_of(request).is_provider:
            messages.error(
                request,
                "You signed in through your organization's provider. To change your account, "
                "log in with your password; you can choose one by mail at the login page.",
            )
            return redirect("signin:profile")
        return view(request, *args, **kwargs)

    return signed_in(guarded)


def redirect(name: str, *args: Any, **query: str) -> HttpResponseRedirect:
    """Return a redirect to a page of ours."""
    kept = {key: value for key, value in query.items() if value}
    return HttpResponseRedirect(reverse(name, args=args) + (f"?{urlencode(kept)}" if kept else ""))


def wanted_page(request: HttpRequest, fallback: str = "admin:index") -> str:
    """Return the address a person was on the way to, if it is one of ours."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_ours else reverse(fallback)
