"""The page of service users and their keys; a secret is shown once (A4.4, C13)."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from organizations import people, service_users
from organizations.kernel.console import show
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.console.forms import ConsoleForm
from organizations.kernel.errors import DomainError
from organizations.models import (
    AccessKey,
    AccessKeyStatus,
    PermissionPolicy,
    PrincipalType,
    ServiceUser,
)


class ServiceUserForm(ConsoleForm):
    """Name and policies."""

    policies = forms.ModelMultipleChoiceField(
        queryset=PermissionPolicy.objects.none(),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )


@admin.register(ServiceUser)
class ServiceUserAdmin(ConsoleModelAdmin):
    """Automated processes that work through the API."""

    form = ServiceUserForm
    list_display = ["name", "key_count", "created_at"]
    search_fields = ["name"]
    fields = ["name", "policies"]
    actions_detail = ["generate_key"]
    change_form_outer_after_template = "console/access_keys.html"
    empty_hint = "A service user and its key let a program send usage and read bills."

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Count active keys in the list's one query."""
        active = Q(access_keys__status=AccessKeyStatus.ACTIVE)
        return super().get_queryset(request).annotate(keys_=Count("access_keys", filter=active))

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **o: Any
    ) -> Any:
        """Offer the organization's policies; tick those attached."""
        form = super().get_form(request, obj, change, **o)
        if "policies" in form.base_fields:
            field = form.base_fields["policies"]
            field.queryset = PermissionPolicy.objects.for_organization(
                request.organization
            ).order_by("name", "pk")
            attached = people.attachments_of(PrincipalType.SERVICEUSER, obj) if obj else []
            field.initial = [row.policy_id for row in attached]
        return form

    def create_row(self, request: HttpRequest, row: ServiceUser, form: Any) -> None:
        """Make the service user with its policies."""
        with transaction.atomic():
            super().create_row(request, row, form)
            people.set_policies(row, form.cleaned_data["policies"], by=request.principal)

    def update_row(self, request: HttpRequest, row: ServiceUser, form: Any) -> None:
        """Change name and policies together."""
        with transaction.atomic():
            super().update_row(request, row, form)
            people.set_policies(row, form.cleaned_data["policies"], by=request.principal)

    def delete_model(self, request: HttpRequest, obj: ServiceUser) -> None:
        """Delete it with its keys; its tokens stop working."""
        service_users.delete(obj, by=request.principal)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> Any:
        """Add the keys; a POST of the keys' own form switches one."""
        extra = {**(options.pop("extra_context", None) or {})}
        row = self.get_object(request, object_id)
        if row is not None and "switch_key" in request.POST:
            return self._switch_key(request, row)
        if row is not None:
            extra["access_keys"] = row.access_keys.order_by("-created_at", "-pk")
        return super().change_view(request, object_id, *args, extra_context=extra, **options)

    def _switch_key(self, request: HttpRequest, row: ServiceUser) -> HttpResponse:
        key = row.access_keys.filter(pk=request.POST["switch_key"]).first()
        if key is None or not self.has_change_permission(request, row):
            messages.error(request, "You are not allowed to do this.")
            return HttpResponseRedirect(show.address(row))
        is_active = key.status == AccessKeyStatus.ACTIVE
        wanted = AccessKeyStatus.INACTIVE if is_active else AccessKeyStatus.ACTIVE
        try:
            key = service_users.set_status(key, wanted, by=request.principal)
        except DomainError as refusal:
            messages.error(request, refusal.message)
            return HttpResponseRedirect(show.address(row))
        messages.success(request, f"Key {key.pk} is {key.get_status_display().lower()} now.")
        return HttpResponseRedirect(show.address(row))

    @action(description="Generate key", permissions=["operate"], icon="key")
    def generate_key(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then make a key and show its secret on this one page."""
        row = self.get_object(request, object_id)
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        made: tuple[AccessKey, str] | None = None
        if request.method == "POST":
            made = service_users.make_key(row, by=request.principal)
        return never_cache(self._key_page)(request, row, made)

    def _key_page(
        self, request: HttpRequest, row: ServiceUser, made: tuple[AccessKey, str] | None
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "New key" if made else "Generate key",
            "opts": self.opts,
            "service_user": row,
            "back": show.address(row),
            "shown_once": [
                ("Organization id", request.organization.pk),
                ("Access key id", made[0].pk),
                ("API secret", made[1]),
            ]
            if made
            else [],
        }
        return TemplateResponse(request, "console/new_key.html", context)

    @display(description="Active keys")
    def key_count(self, row: ServiceUser) -> int:
        """How many keys work now."""
        return row.keys_
