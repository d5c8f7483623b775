"""The page of support access: until when support users may enter, and what they may do (A7)."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.widgets import UnfoldAdminSingleDateWidget

from organizations import policies, support
from organizations.admin import statements
from organizations.kernel import clock
from organizations.kernel.console import choices, saving, show, telling
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.console.forms import ConsoleForm
from organizations.kernel.errors import DomainError
from organizations.models import SupportAccess


class SupportForm(ConsoleForm):
    """The last day, and the statements."""

    wire_names = {
        "dtEndSupportUsersAccess": "last_day",
        "supportUsersPermissionPolicy": "statements",
    }
    last_day = forms.DateField(
        label="Last day",
        widget=UnfoldAdminSingleDateWidget,
        help_text="Access ends at midnight after this day, in the organization's time zone. "
        "Today is the earliest.",
    )
    statements = statements.StatementsField(label="May do")


@admin.register(SupportAccess)
class SupportAccessAdmin(ConsoleModelAdmin):
    """The one window in which support users of the installation may enter."""

    is_single = True
    form = SupportForm
    fields = ["last_day", "statements"]
    change_form_outer_before_template = "console/support_access.html"

    def title_of(self, row: SupportAccess) -> str:
        """It is called the same everywhere."""
        return "Support access"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The first window is an update as well: what was read before was empty (A7.3)."""
        return (
            self._allows(request, "change") and support.access_of(request.organization.pk) is None
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """It ends; it is not deleted."""
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Without asking the database on every page."""
        return self.has_view_permission(request)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Open the window, or the form for the first one."""
        if not self.has_view_permission(request):
            return super().changelist_view(request, extra_context)
        row = self.get_queryset(request).first()
        if row is not None:
            return HttpResponseRedirect(show.address(row))
        if self.has_add_permission(request):
            return HttpResponseRedirect(show.list_address(SupportAccess, "add"))
        return super().changelist_view(request, extra_context)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **o: Any
    ) -> Any:
        """Start with Administrator until today, as the console proposes (A7.2)."""
        form = super().get_form(request, obj, change, **o)
        zone = choices.zone(request)
        if field := form.base_fields.get("last_day"):
            ends = obj.ends_at if obj is not None and obj.ends_at > clock.now() else None
            field.initial = _last_day(ends, zone) if ends else clock.now().astimezone(zone).date()
        if obj is None and (field := form.base_fields.get("statements")):
            field.initial = [dict(one) for one in policies.ADMINISTRATOR]
        return form

    def create_row(self, request: HttpRequest, row: SupportAccess, form: Any) -> None:
        """Open the first window."""
        granted = self._grant(request, form, version=None)
        row.pk = granted.pk

    def update_row(self, request: HttpRequest, row: SupportAccess, form: Any) -> None:
        """Move the end, or change what may be done."""
        granted = self._grant(request, form, version=saving.loaded_version(request))
        row.version = granted.version

    def _grant(self, request: HttpRequest, form: Any, *, version: int | None) -> SupportAccess:
        return support.grant(
            request.organization.pk,
            ends_at=_midnight_after(form.cleaned_data["last_day"], choices.zone(request)),
            statements=form.cleaned_data["statements"],
            version=version,
            by=request.principal,
        )

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> Any:
        """Tell whether the window is open; a button ends it tonight, the earliest there is."""
        row = self.get_object(request, object_id)
        if row is not None and "end_tonight" in request.POST:
            return self._end_tonight(request, row)
        extra = {**(options.pop("extra_context", None) or {})}
        if row is not None:
            zone = choices.zone(request)
            tonight = _midnight_after(clock.now().astimezone(zone).date(), zone)
            extra["is_open"] = row.ends_at > clock.now()
            extra["may_end"] = row.ends_at > tonight and self.has_change_permission(request, row)
        return super().change_view(request, object_id, *args, extra_context=extra, **options)

    def _end_tonight(self, request: HttpRequest, row: SupportAccess) -> HttpResponse:
        if not self.has_change_permission(request, row):
            raise PermissionDenied
        zone = choices.zone(request)
        try:
            support.grant(
                row.organization_id,
                ends_at=_midnight_after(clock.now().astimezone(zone).date(), zone),
                statements=row.statements,
                version=saving.loaded_version(request),
                by=request.principal,
            )
        except DomainError as refusal:
            telling.refused(request, refusal)
        else:
            messages.success(request, "Support access ends at midnight.")
        return HttpResponseRedirect(show.address(row))

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> Any:
        """Stay on the page of the window."""
        messages.success(request, "Support users may enter now.")
        return HttpResponseRedirect(show.address(obj))


def _midnight_after(day: date, zone: Any) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), zone)


def _last_day(ends: datetime, zone: Any) -> date:
    return (ends.astimezone(zone) - timedelta(microseconds=1)).date()
