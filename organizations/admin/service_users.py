"""The page of service users and their keys; a secret is shown once (A4.3 - A4.6, C13)."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers
from unfold.decorators import action, display

from organizations import service_users
from organizations.admin import decision_page, holdings
from organizations.kernel import ids
from organizations.kernel.console import show, telling
from organizations.kernel.console.forms import ConsoleForm
from organizations.kernel.errors import DomainError
from organizations.models import AccessKey, AccessKeyStatus, PrincipalType, ServiceUser

# What is posted by the buttons beside a key, and the permission on the key each one needs.
KEY_DEEDS = {"switch_key": "config:update", "delete_key": "config:delete"}


class ServiceUserForm(ConsoleForm, holdings.PoliciesForm):
    """Name, policies, and for a new one whether to make its first key (A4.3)."""

    with_key = forms.BooleanField(
        label="Generate an access key",
        required=False,
        initial=True,
        help_text="Its secret is shown once, on the next page.",
    )


@admin.register(ServiceUser)
class ServiceUserAdmin(decision_page.AsksWhatMay):
    """Automated processes that work through the API."""

    form = ServiceUserForm
    list_display = ["name", "policy_names", "key_count", "latest_use", "created_at"]
    search_fields = ["name"]
    actions_detail = ["generate_key", "what_it_may"]
    change_form_outer_after_template = "console/access_keys.html"
    empty_hint = "A service user and its key let a program send usage and read bills."

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The key switch stands on the form of a new one."""
        fields = ["name", "policies"]
        return [(None, {"fields": fields if obj else [*fields, "with_key"]})]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **o: Any
    ) -> Any:
        """Offer the policies one may attach; tick those attached."""
        form = super().get_form(request, obj, change, **o)
        if obj is not None or not self._may_make_keys(request):
            form.base_fields.pop("with_key", None)
        if field := form.base_fields.get("policies"):
            kind = PrincipalType.SERVICEUSER
            held = holdings.attached_to(request.organization, kind, obj.pk) if obj else []
            holdings.offer_policies(request, field, held)
        return form

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        """Look up the policies and keys of all service users at once."""
        wanted = [row.pk for row in rows]
        names = holdings.policy_names(request.organization, PrincipalType.SERVICEUSER, wanted)
        keys: dict[Any, list[AccessKey]] = {}
        for key in AccessKey.objects.filter(service_user__in=wanted):
            keys.setdefault(key.service_user_id, []).append(key)
        for row in rows:
            row.policy_list = names.get(row.pk, [])
            row.keys = keys.get(row.pk, [])

    def create_row(self, request: HttpRequest, row: ServiceUser, form: Any) -> None:
        """Make the service user with its policies and, when asked, its first key."""
        with transaction.atomic():
            super().create_row(request, row, form)
            holdings.choose_policies(request, PrincipalType.SERVICEUSER, row.pk, form)
            if form.cleaned_data.get("with_key"):
                row.made_key = service_users.make_key(row, by=request.principal)

    def update_row(self, request: HttpRequest, row: ServiceUser, form: Any) -> None:
        """Change name and policies together."""
        with transaction.atomic():
            super().update_row(request, row, form)
            holdings.choose_policies(request, PrincipalType.SERVICEUSER, row.pk, form)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> Any:
        """Show the first key, if one was made."""
        if made := getattr(obj, "made_key", None):
            return self._key_page(request, obj, made)
        return super().response_add(request, obj, post_url_continue)

    def going_with(self, request: HttpRequest, row: ServiceUser) -> list[str]:
        """Tell which keys die with it."""
        count = row.access_keys.count()
        words = "1 access key stops" if count == 1 else f"{count} access keys stop"
        return [f"{words} working at once."]

    def delete_model(self, request: HttpRequest, obj: ServiceUser) -> None:
        """Delete it with its keys; its tokens stop working."""
        service_users.delete(obj, by=request.principal)

    # Keys --------------------------------------------------------------------------------------
    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> Any:
        """Add the keys; a POST of the keys' own form switches or deletes one."""
        row = self.get_object(request, object_id)
        if row is not None and KEY_DEEDS.keys() & request.POST.keys():
            return self._change_key(request, row)
        extra = {**(options.pop("extra_context", None) or {})}
        if row is not None and request.permissions.allows_some(
            "config:retrieve", "config:accessKey"
        ):
            extra["access_keys"] = row.access_keys.order_by("-created_at", "-pk")
            extra["may_switch_keys"] = request.permissions.allows_some(
                "config:update", "config:accessKey"
            )
        return super().change_view(request, object_id, *args, extra_context=extra, **options)

    def _change_key(self, request: HttpRequest, row: ServiceUser) -> HttpResponse:
        deed = next(name for name in KEY_DEEDS if name in request.POST)
        key = row.access_keys.filter(pk=ids.parse(request.POST[deed])).first()
        allows = request.permissions.allows
        if key is None or not allows(KEY_DEEDS[deed], "config:accessKey", key.pk):
            messages.error(request, "You are not allowed to do this.")
            return HttpResponseRedirect(show.address(row))
        try:
            done = self._switch(request, key) if deed == "switch_key" else self._end(request, key)
        except DomainError as refusal:
            telling.refused(request, refusal)
        else:
            messages.success(request, done)
        return HttpResponseRedirect(show.address(row))

    def _switch(self, request: HttpRequest, key: AccessKey) -> str:
        is_active = key.status == AccessKeyStatus.ACTIVE
        wanted = AccessKeyStatus.INACTIVE if is_active else AccessKeyStatus.ACTIVE
        changed = service_users.set_status(key, wanted, by=request.principal)
        return f"Key {changed.pk} is {changed.get_status_display().lower()} now."

    def _end(self, request: HttpRequest, key: AccessKey) -> str:
        service_users.delete_key(key, by=request.principal)
        return f"Key {key.pk} is deleted."

    def _may_make_keys(self, request: HttpRequest) -> bool:
        return request.permissions.allows("config:create", "config:accessKey")

    def has_generate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Making a key is creating an access key (A5.12)."""
        return self.has_view_permission(request, obj) and self._may_make_keys(request)

    @action(description="Generate key", permissions=["generate"], icon="key")
    def generate_key(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then make a key and show its secret on this one page."""
        row = self.get_object(request, object_id)
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        made: tuple[AccessKey, str] | None = None
        if request.method == "POST":
            # The id comes with the form: sent again by a reload, it makes no second key.
            key_id = ids.parse(request.POST.get("key_id", ""))
            try:
                made = service_users.make_key(row, by=request.principal, key_id=key_id)
            except DomainError as refusal:
                telling.refused(request, refusal)
                return HttpResponseRedirect(show.address(row))
        return self._key_page(request, row, made)

    def _key_page(
        self, request: HttpRequest, row: ServiceUser, made: tuple[AccessKey, str] | None
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "New key" if made else "Generate key",
            "opts": self.opts,
            "service_user": row,
            "key_id": ids.new_id(),
            "back": show.address(row),
        }
        if made:
            key, secret = made
            context["shown_once"] = [
                ("Organization id", request.organization.pk),
                ("Access key id", key.pk),
                ("API secret", secret),
            ]
            context["snippets"] = _snippets(request.organization.pk, key, secret)
        response = TemplateResponse(request, "console/new_key.html", context)
        add_never_cache_headers(response)
        return response

    # Columns -----------------------------------------------------------------------------------
    @display(description="Active keys")
    def key_count(self, row: ServiceUser) -> str:
        """How many keys work now, of how many."""
        active = sum(key.status == AccessKeyStatus.ACTIVE for key in row.keys)
        return f"{active} of {len(row.keys)}" if row.keys else show.NOTHING

    @display(description="Last used")
    def latest_use(self, row: ServiceUser) -> str:
        """When a key got a token last."""
        used = [key.latest_used_at for key in row.keys if key.latest_used_at]
        return show.instant(max(used)) if used else "never"

    @display(description="Policies")
    def policy_names(self, row: ServiceUser) -> str:
        """Names of the attached policies."""
        return holdings.summary(row.policy_list)

    @display(description="Policies")
    def policies(self, row: ServiceUser) -> str:
        """What is attached, for somebody who may not change it."""
        return holdings.shown_policies(row.organization_id, PrincipalType.SERVICEUSER, row.pk)


def _snippets(organization_id: Any, key: AccessKey, secret: str) -> list[tuple[str, str]]:
    """Return programs that get a token with the key and make a first call, ready to paste."""
    context = {
        "base": settings.PUBLIC_URL,
        "organization": organization_id,
        "key": key.pk,
        "secret": secret,
    }
    return [
        ("curl", render_to_string("console/snippets/curl.txt", context).strip()),
        ("Python", render_to_string("console/snippets/python.txt", context).strip()),
    ]
