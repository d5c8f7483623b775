"""The console itself: one admin site whose pages all know the organization."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_POST
from unfold.sites import UnfoldAdminSite

from organizations.kernel import ids
from organizations.kernel.console import entry, login, running, searching
from organizations.signin import sessions


class Choices(AutocompleteJsonView):
    """What a drop-down that searches while typing offers, called as everywhere in forms."""

    def get_queryset(self) -> Any:
        """Read with the rows what their names need."""
        return super().get_queryset().select_related(*self.model_admin.choice_related)

    def serialize_result(self, obj: Any, to_field_name: str) -> dict[str, str]:
        """Return id and name of a row."""
        return {"id": str(getattr(obj, to_field_name)), "text": self.model_admin.choice_of(obj)}


class ConsoleSite(UnfoldAdminSite):
    """Takes only admins that scope by organization; those of libraries stay out."""

    login_form = login.ConsoleLoginForm
    login_template = "organizations/signin/login.html"
    index_template = "console/dashboard.html"
    index_title = "Dashboard"
    enable_nav_sidebar = True

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        from organizations.kernel.console.deleting import delete_selected

        self.add_action(delete_selected, "delete_selected")

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Register, unless the page would show rows of every organization."""
        from organizations.kernel.console.base import ConsoleModelAdmin

        if admin_class is not None and issubclass(admin_class, ConsoleModelAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        """Let in active people with an organization."""
        return request.user.is_active and getattr(request, "organization", None) is not None

    def extra_urls(self) -> list[URLPattern]:
        """The addresses of the switcher and of the panel of running tasks."""
        switch = self.admin_view(require_POST(self.switch_organization))
        return [
            path("organization/<str:organization_id>/", switch, name="switch_organization"),
            path("running/", self.admin_view(running.view), name="running_tasks"),
        ]

    def switch_organization(self, request: HttpRequest, organization_id: str) -> HttpResponse:
        """Go on in another organization, on its dashboard."""
        wanted = ids.parse(organization_id)
        if wanted is None or not entry.choose(request, wanted):
            messages.error(request, "You have no access to this organization.")
        return HttpResponseRedirect(reverse("admin:index"))

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Log in; with a second factor the password is half of the way."""
        from organizations.signin.pages.arriving import ConsoleLoginView

        if request.method == "GET" and self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index"))
        request.current_app = self.name
        context = {
            **self.each_context(request),
            "title": "Log in",
            "app_path": request.get_full_path(),
            **(extra_context or {}),
        }
        return ConsoleLoginView.as_view(
            extra_context=context,
            authentication_form=self.login_form,
            template_name=self.login_template,
        )(request)

    def logout(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Log out; the session leaves the list of open ones."""
        if request.method == "POST":
            sessions.forget(request)
        return super().logout(request, extra_context)

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        """Offer rows to a drop-down that searches while typing."""
        return Choices.as_view(admin_site=self)(request)

    def search(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Search pages and rows of the organization."""
        return searching.view(self, request)

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Change one's own password."""
        from django.contrib.auth.views import PasswordChangeView

        if sessions.way_of(request).is_provider:
            return HttpResponseRedirect(reverse("signin:profile"))
        request.current_app = self.name
        form = type("OwnPasswordForm", (login.OwnPasswordForm,), {"request": request})
        return PasswordChangeView.as_view(
            form_class=form,
            success_url=reverse("admin:password_change_done"),
            template_name="registration/password_change_form.html",
            extra_context={**self.each_context(request), **(extra_context or {})},
        )(request)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Return the pages this person may see; none before an organization is chosen.

        Every page is given the list and hardly one looks at it: it is made when it is looked at.
        """
        if getattr(request, "organization", None) is None:
            return []
        return SimpleLazyObject(partial(super().get_app_list, request, app_label))
